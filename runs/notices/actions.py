"""Mails about pending actions: opened, undecided, delegated, decided, expired."""

from collections.abc import Iterable

from runs.engine.approvals.deciders import roles_that_decide
from runs.models import Membership, PendingAction, Role, holds_role
from runs.models.mail import post_mail
from runs.models.people import address_of, members_to_mail
from runs.notices.pages import page_of
from runs.sanitize import cut
from runs.states import ActionKind, OnExpiry

_ASKS = {
    ActionKind.APPROVAL: "needs approval of {tool}",
    ActionKind.QUESTION: "asks a question",
    ActionKind.OUTCOME: "does not know whether {tool} has happened",
    ActionKind.BUDGET: "has used up its budget",
}
_THEN = {
    OnExpiry.REJECT: "the agent learns that nobody decided",
    OnExpiry.ESCALATE: "an admin is asked",
    OnExpiry.CANCEL: "the run is cancelled",
    OnExpiry.WAIT: "it stays open, and you are reminded",
}
_SIGN_IN = "The page asks you to sign in. Opening it decides nothing."
_TEXT_MAX_CHARS = 1000


def mail_deciders(action: PendingAction, *, again: bool = False) -> None:
    """Mail the people who may decide, or only the assignee; `again` for a reminder."""
    subject = f"{'Still waiting: ' if again else ''}{action.run.job_type} {_asks(action)}"
    _mail(action, _deciders(action), subject, f"A run of {action.run.job_type} {_asks(action)}.")


def mail_assignee(action: PendingAction, by: str) -> None:
    """Mail the new assignee."""
    if action.assignee:
        subject = f"For you: {action.run.job_type} {_asks(action)}"
        _mail(action, [address_of(action.assignee)], subject, f"{by} asks you to decide this.")


def mail_requester(action: PendingAction, subject: str, text: str) -> None:
    """Mail the requester of the run, while they belong to its tenant."""
    _mail(action, _requester(action), subject, text)


def mail_decision(action: PendingAction) -> None:
    """Mail the decision to the requester of the run, unless they made it themselves."""
    if action.decided_by_id == action.run.requested_by_id:
        return
    what = f"{action.tool or action.kind} of {action.run.job_type}"
    by = f" by {action.decided_by}" if action.decided_by else ""
    text = f"{what} was {action.status}{by}." + (f"\n\nNote: {action.note}" if action.note else "")
    mail_requester(action, f"{what}: {action.status}", text)


def mail_expiry(action: PendingAction, became: str) -> None:
    """Mail deciders and requester that nobody decided in time, and what happened then."""
    people = {*_deciders(action), *_requester(action)}
    subject = f"Nobody decided: {action.run.job_type} {_asks(action)}"
    _mail(action, people, subject, f"Nobody has decided in time: {became}.")


def _asks(action: PendingAction) -> str:
    return _ASKS[ActionKind(action.kind)].format(tool=action.tool or "a step")


def _deciders(action: PendingAction) -> list[str]:
    roles = roles_that_decide(action)
    if action.assignee and holds_role(action.assignee, action.tenant_id, roles):
        return [address_of(action.assignee)]
    addresses = members_to_mail(Membership.objects.filter(tenant=action.tenant_id, role__in=roles))
    return [*addresses, *_requester(action)] if action.kind == ActionKind.QUESTION else addresses


def _requester(action: PendingAction) -> list[str]:
    """Return the requester's address; empty if they have left the tenant."""
    requester = action.run.requested_by
    return [address_of(requester)] if holds_role(requester, action.tenant_id, tuple(Role)) else []


def _mail(action: PendingAction, to: Iterable[str], subject: str, first: str) -> None:
    post_mail(to, f"[agentops] {subject}", "\n".join([first, "", *_facts(action)]), run=action.run)


def _facts(action: PendingAction) -> list[str]:
    then = _THEN[OnExpiry(action.on_expiry)]
    facts = {
        "Tenant": str(action.tenant),
        "Run": f"{action.run_id}, step {action.step.seq}",
        "Risk": action.risk,
        "Amount": "" if action.amount_usd is None else f"{action.amount_usd.normalize():f} USD",
        "People": f"{action.approvals_needed} must agree" if action.approvals_needed > 1 else "",
        "Until": "" if action.expires_at is None else f"{action.expires_at:%Y-%m-%d %H:%M} UTC, then {then}",
        "Page": page_of("pendingaction", action.pk),
    }
    lines = [f"{name + ':':<9}{value}" for name, value in facts.items() if value]
    quoted = cut(action.reason, _TEXT_MAX_CHARS)
    return [*lines, "", "In the words of the run, which may quote an agent:", quoted, "", _SIGN_IN]
