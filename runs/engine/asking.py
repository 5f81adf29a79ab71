"""Ask a person: what, under which requirements, and until when. The run waits; other calls of the turn go on."""

from datetime import timedelta
from typing import Any

from runs.conf import conf
from runs.engine.approvals.binding import Binding
from runs.engine.approvals.requirements import requirements_for
from runs.engine.approvals.rules import rules_for
from runs.engine.journal import Journal
from runs.errors import RuleSpentError
from runs.models import ApprovalRule, PendingAction, Step
from runs.models.fields import hash_of
from runs.states import ActionKind, ActionStatus, StepKind


def ask(
    journal: Journal, step: Step, kind: ActionKind, *, reason: str, arguments: Any = None, **columns: Any
) -> PendingAction:
    """Open an action. It stays open for `action_expires_s` unless `columns` say otherwise."""
    if kind != ActionKind.OUTCOME:  # an unknown outcome never expires
        columns.setdefault("expires_at", journal.lease.now() + timedelta(seconds=conf().action_expires_s))
    columns.setdefault("remind_every_s", conf().action_remind_s)
    asked = step.arguments if arguments is None else arguments
    action = _action(journal, step, kind, reason=reason, arguments=asked, notify_at=journal.lease.now(), **columns)
    journal.record_event("action.opened", action=str(action.pk), action_kind=str(kind), step=step.seq, reason=reason)
    return action


def ask_for_approval(journal: Journal, step: Step, call: Binding, *, reason: str) -> PendingAction:
    """Ask whether a call may be made, under the requirements in force for it."""
    requirements = requirements_for(journal.run.tenant_id, step.name, risk=call.risk, amount_usd=call.amount_usd)
    return ask(
        journal,
        step,
        ActionKind.APPROVAL,
        reason=reason,
        expires_at=journal.lease.now() + timedelta(seconds=requirements.expires_s),
        on_expiry=requirements.on_expiry,
        remind_every_s=requirements.remind_every_s,
        approvals_needed=requirements.approvals,
        **_bound(call),
    )


def approve_by_rule(journal: Journal, step: Step, call: Binding) -> bool:
    """Let a matching rule approve a call; commit its use together with the action that records it."""
    rules = rules_for(journal.run, step.name, step.arguments, call)
    return any(_approves(rule, journal, step, call) for rule in rules)


def _approves(rule: ApprovalRule, journal: Journal, step: Step, call: Binding) -> bool:
    action = _action(
        journal,
        step,
        ActionKind.APPROVAL,
        reason=f"Approved beforehand by a rule: {rule.reason}",
        arguments=step.arguments,
        status=ActionStatus.APPROVED,
        decided_at=journal.lease.now(),
        decision={"verb": "approve"},
        rule=rule,
        **_bound(call),
    )
    journal.record_event("action.approved", action=str(action.pk), step=step.seq, rule=str(rule.pk))
    try:
        journal.commit()
    except RuleSpentError:
        return False  # the journal has forgotten the action; another rule may fit
    return True


def _bound(call: Binding) -> dict[str, Any]:
    return {"bound_hash": call.bound_hash, "risk": call.risk, "amount_usd": call.amount_usd}


def _action(journal: Journal, step: Step, kind: ActionKind, *, arguments: Any, **columns: Any) -> PendingAction:
    action = PendingAction(
        tenant_id=journal.run.tenant_id,
        run=journal.run,
        step=step,
        kind=kind,
        tool=step.name if step.kind == StepKind.TOOL_CALL else "",
        arguments=arguments,
        arguments_hash=hash_of(arguments),
        effect=step.effect,
        effect_key=step.effect_key or "",
        requested_at=journal.lease.now(),
        **columns,
    )
    journal.add_action(action)
    return action
