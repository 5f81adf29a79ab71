"""Who has agreed to a call so far, and whose word does not count any more."""

from dataclasses import dataclass
from datetime import datetime

from runs.engine.approvals.deciders import objection_to
from runs.engine.approvals.requirements import ApprovalRequirements
from runs.models import Approval, PendingAction


@dataclass(frozen=True, slots=True)
class Vote:
    """One person's approval as it is shown. `void` says why it does not count."""

    by: str
    at: datetime
    note: str
    void: str = ""


@dataclass(frozen=True, slots=True)
class Votes:
    """All of them, and how many must agree."""

    given: int
    needed: int
    votes: list[Vote]


def votes_of(action: PendingAction, requirements: ApprovalRequirements | None) -> Votes | None:
    """Count the approvals; None where one person decides and nobody has agreed before.

    `requirements` are those of an open action, by which each vote is checked again; None once it is decided.
    """
    needed = requirements.approvals if requirements else action.approvals_needed
    votes = [
        Vote(str(approval.user), approval.at, approval.note, _void(approval, action, requirements))
        for approval in action.approvals.select_related("user")
    ]
    if needed == 1 and not votes:
        return None
    return Votes(sum(not vote.void for vote in votes), needed, votes)


def _void(approval: Approval, action: PendingAction, requirements: ApprovalRequirements | None) -> str:
    if approval.bound_hash != action.bound_hash:
        return "void since the arguments were edited"
    if requirements and objection_to(approval.user, action.run, requirements):
        return "may not approve it any more"
    return ""
