"""Whether an approval is still valid when its call is about to be made. Permission is checked at the time of use."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import QuerySet

from runs import clock
from runs.engine.approvals.binding import Binding
from runs.engine.approvals.deciders import objection_to
from runs.engine.approvals.requirements import ApprovalRequirements, requirements_for, requirements_of
from runs.models import Approval, ApprovalRule, PendingAction, Run
from runs.models.fields import hash_of
from runs.states import Risk


@dataclass(frozen=True, slots=True)
class Valid:
    """The call may be made."""


@dataclass(frozen=True, slots=True)
class Stale:
    """The approval is for another call or too old: ask a person again."""

    why: str


@dataclass(frozen=True, slots=True)
class Revoked:
    """The approver has lost the right to approve: skip the call and tell the model."""

    why: str


ApprovalValidity = Valid | Stale | Revoked


def validity_of(action: PendingAction, run: Run, present: Binding) -> ApprovalValidity:
    """Judge an approval against the call about to be made and the current people and policies."""
    if action.rule_id:
        return _validity_of_rule(action, run, present)
    requirements = requirements_of(action)
    if action.decided_at and action.decided_at + timedelta(seconds=requirements.expires_s) < clock.now():
        return Stale("its approval was given too long ago")
    if not _is_of(action, present):
        return Stale("the call, or the declaration of its tool, is not the one that was approved")
    good = good_approvals(action, run, requirements)
    if len(good) < requirements.approvals:
        return Revoked(f"{len(good)} of {requirements.approvals} people who must have approved this call may do so now")
    return Valid()


def _is_of(action: PendingAction, present: Binding) -> bool:
    """Say whether exactly this call was shown and approved."""
    return action.bound_hash == present.bound_hash and hash_of(action.arguments) == present.arguments_hash


def good_approvals(action: PendingAction, run: Run, requirements: ApprovalRequirements) -> list[Approval]:
    """List the approvals that count: of exactly this call, by people who may approve it now."""
    given: QuerySet[Approval] = action.approvals.filter(bound_hash=action.bound_hash).select_related("user")
    return [approval for approval in given if objection_to(approval.user, run, requirements) is None]


def _validity_of_rule(action: PendingAction, run: Run, present: Binding) -> ApprovalValidity:
    """Judge an approval by rule, which came just before the call unless a crash or a pause lies between."""
    assert action.rule is not None
    if not _is_of(action, present):
        return Stale("the call, or the declaration of its tool, is not the one that the rule approved")
    if not _holds(action.rule, run, action.tool, present):
        return Stale("the rule that approved it does not hold any more")
    return Valid()


def _holds(rule: ApprovalRule, run: Run, tool: str, present: Binding) -> bool:
    """Say whether a rule may approve such a call now. It may be used up by now: this call is one of its uses."""
    requirements = requirements_for(run.tenant_id, tool, risk=present.risk, amount_usd=present.amount_usd)
    is_live = rule.revoked_at is None and rule.expires_at > clock.now()
    may = present.risk == Risk.LOW and requirements.approvals == 1
    return is_live and may and objection_to(rule.granted_by, run, requirements) is None
