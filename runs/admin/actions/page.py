"""What the page of one action shows, made ready for its templates."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from runs import clock
from runs.admin.actions.card import card_of, choices_of
from runs.admin.actions.verbs import HANDING_ON
from runs.admin.actions.votes import votes_of
from runs.admin.actions.words import became, becomes, who_decides_about
from runs.admin.kit import formatting
from runs.admin.kit.verbs import KeptForms
from runs.engine.approvals.requirements import policy_for, requirements_of
from runs.models import ApprovalPolicy, PendingAction
from runs.operations.actions.thread import Said, thread_of
from runs.states import ActionKind, ActionStatus, Effect

_EFFECTS = {
    Effect.READ: "It only reads.",
    Effect.IDEMPOTENT: "Made twice under its key, it counts once.",
    Effect.VERIFIABLE: "Whether it has happened can be looked up.",
    Effect.UNSAFE: "Once begun, nobody can tell by machine whether it has happened.",
}
_ASKS = {
    ActionKind.QUESTION: "The agent asks a question.",
    ActionKind.OUTCOME: "Its result was lost: has it happened?",
    ActionKind.BUDGET: "The run has come to its ceiling: may it spend more?",
}


@dataclass(frozen=True, slots=True)
class Countdown:
    """How much time is left, by the server's clock. `closes` says whether nobody may decide after it."""

    now: datetime
    until: datetime
    left: str
    closes: bool
    becomes: str


def page_context(action: PendingAction, user: Any, *, kept_forms: KeptForms) -> dict[str, Any]:
    """Gather everything; each value is ready to be shown. `kept_forms` are shown again, with their errors."""
    is_open = action.status == ActionStatus.OPEN
    requirements = requirements_of(action) if is_open and action.kind == ActionKind.APPROVAL else None
    return {
        "action": action,
        "card": card_of(action, user, kept_forms=kept_forms),
        "effect": effect_of(action),
        "countdown": _countdown(action) if is_open and action.expires_at else None,
        "who": who_decides_about(action, requirements) if is_open else "",
        "policy": requirements and _policy_of(action),
        "becomes": becomes(action) if is_open else "",
        "votes": votes_of(action, requirements),
        "thread": [_entry(said) for said in thread_of(action)],
        "opened": not kept_forms.keys().isdisjoint(HANDING_ON),
        "handing_on": choices_of(action, user, HANDING_ON, kept_forms=kept_forms) if is_open else [],
        "decided": "" if is_open else how_decided(action),
    }


def effect_of(action: PendingAction) -> str:
    """Say what will be done if it is approved, in the words of the tool's author, not of the agent."""
    asks = _ASKS.get(ActionKind(action.kind), "")
    return " ".join(filter(None, [_description(action), _EFFECTS.get(action.effect, ""), asks]))  # type: ignore[call-overload]  # keyed by enum


def _description(action: PendingAction) -> str:
    definition = action.run.definition
    if not action.tool or definition is None:
        return ""
    texts = [tool.get("description") for tool in definition.tools if tool.get("name") == action.tool]
    first = str(texts[0] or "").split("\n")[0] if texts else ""
    return first if first.endswith(".") or not first else f"{first}."


def how_decided(action: PendingAction) -> str:
    """Say who decided it, and how long ago."""
    by = f" by {action.decided_by}" if action.decided_by else " by a rule" if action.rule_id else ""
    assert action.decided_at is not None
    ago = formatting.seconds((clock.now() - action.decided_at).total_seconds())
    what = f"{action.status}{by} {ago} ago"
    return f"{what}: {became(action)}" if action.status == ActionStatus.EXPIRED else what


def _countdown(action: PendingAction) -> Countdown:
    assert action.expires_at is not None
    now = clock.now()
    left = (action.expires_at - now).total_seconds()
    return Countdown(
        now=now,
        until=action.expires_at,
        left=f"{formatting.seconds(left)} left" if left > 0 else "Time is over",
        closes=action.closes,
        becomes=becomes(action),
    )


def _policy_of(action: PendingAction) -> ApprovalPolicy | None:
    """Find the policy that holds; None where what holds without one."""
    return policy_for(action.tenant_id, action.tool, risk=action.risk, amount_usd=action.amount_usd)


_SAID = {
    "agreed": "agreed",
    "asked": "asked",
    "replied": "replied",
    "reassigned": "asked to decide",
    "escalated": "left it to the admins",
}
_HAPPENED = {
    "escalated": "nobody decided in time; it is left to the admins",
    "reminded": "people were reminded",
    "overdue": "nobody decided in time; it stays open",
}


def _entry(said: Said) -> dict[str, Any]:
    if said.by in ("", "timer") and said.what in _HAPPENED:
        by, what = "", _HAPPENED[said.what]
    else:
        by, what = said.by, _SAID.get(said.what, said.what)
    return {"at": said.at, "by": by, "what": what, "text": said.text}
