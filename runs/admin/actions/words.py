"""The terms of a decision in words: who decides, how many of them, and what happens when nobody does."""

from runs.engine.approvals.deciders import roles_that_decide
from runs.engine.approvals.requirements import ApprovalRequirements
from runs.models import PendingAction, Role
from runs.states import ActionKind, OnExpiry, SelfApproval

BECOMES = {
    OnExpiry.REJECT: "the agent learns that nobody decided",
    OnExpiry.ESCALATE: "an admin is asked, with as much time again",
    OnExpiry.CANCEL: "the run is cancelled",
    OnExpiry.WAIT: "it stays open, and people are reminded",
}
_ENDS = {"budget": "the run fails, since its budget was not raised", "conversation": "the run is completed"}
_ENDED = {"budget": "the run failed, since its budget was not raised", "conversation": "the run was completed"}
_NEVER_EXPIRES = {
    False: "it stays open and never expires; people are reminded",
    True: "it stays open and never expires; the run goes on by itself once the budget has room again",
}
_OWN = {
    SelfApproval.NEVER: "never the person who asked for the run",
    SelfApproval.ALWAYS: "also the person who asked for the run",
}


def who_decides(requirements: ApprovalRequirements) -> str:
    """Say who may approve on these terms, and how many of them must."""
    who = _one_of(requirements.roles)
    if requirements.approvals > 1:
        return f"{requirements.approvals} different people must agree, each {who}; {_OWN[SelfApproval.NEVER]}"
    return f"{who} decides; {_OWN[requirements.self_approval]}"


def who_decides_about(action: PendingAction, requirements: ApprovalRequirements | None) -> str:
    """Say who may decide about an open action now."""
    who = who_decides(requirements) if requirements else f"{_one_of(roles_that_decide(action))} decides"
    own = ", or the person who asked for the run" if action.kind == ActionKind.QUESTION else ""
    since = "; it was escalated, so nobody else" if action.escalated_at else ""
    return f"{who}{own}{since}"


def becomes(action: PendingAction) -> str:
    """Say what happens to an open action that nobody decides. An escalated one is not escalated again."""
    if action.expires_at is None:
        return _NEVER_EXPIRES[bool(action.budget_period_id)]
    on_expiry = OnExpiry(action.on_expiry)
    if on_expiry == OnExpiry.ESCALATE and action.escalated_at:
        on_expiry = OnExpiry.REJECT
    ends = _ENDS.get(_ends_as(action)) if on_expiry == OnExpiry.REJECT else None
    return ends or BECOMES[on_expiry]


def became(action: PendingAction) -> str:
    """Say what has become of an expired action."""
    if action.on_expiry == OnExpiry.CANCEL:
        return "the run was cancelled"
    return _ENDED.get(_ends_as(action), "the agent learned that nobody decided")


def _ends_as(action: PendingAction) -> str:
    """Name the two kinds of an action that no agent is told about, since their run ends."""
    if action.kind == ActionKind.BUDGET:
        return "budget"
    return "conversation" if action.kind == ActionKind.QUESTION and not action.tool else ""


def _one_of(roles: tuple[Role, ...]) -> str:
    names = [str(role) for role in roles]
    listed = " or ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
    return f"{'an' if listed[0] in 'aeiou' else 'a'} {listed}"
