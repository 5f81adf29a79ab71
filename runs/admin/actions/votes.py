"""Who has agreed to a call so far, and whose word does not count any more."""

from typing import Any

from runs.engine.approvals.deciders import objection_to
from runs.engine.approvals.requirements import ApprovalRequirements
from runs.models import Approval, PendingAction


def votes_of(action: PendingAction, requirements: ApprovalRequirements | None) -> dict[str, Any] | None:
    """Count the approvals; None where one person decides and nobody has agreed before.

    `requirements` are those of an open action, on which people are asked again whether they may; None once it is
    decided. Shape: given, needed, votes (by, at, note, and void: why it does not count).
    """
    needed = requirements.approvals if requirements else action.approvals_needed
    votes = [
        {"by": str(one.user), "at": one.at, "note": one.note, "void": _void(one, action, requirements)}
        for one in action.approvals.select_related("user")
    ]
    if needed == 1 and not votes:
        return None
    return {"given": sum(not vote["void"] for vote in votes), "needed": needed, "votes": votes}


def _void(approval: Approval, action: PendingAction, requirements: ApprovalRequirements | None) -> str:
    if approval.bound_hash != action.bound_hash:
        return "void since the arguments were edited"
    if requirements and objection_to(approval.user, action.run, requirements):
        return "may not approve it any more"
    return ""
