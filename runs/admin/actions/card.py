"""A pending action made ready to be shown, on its own page and on that of its run."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse

from runs.admin.actions.diff import Line, diff_of
from runs.admin.actions.refusals import refusals_of
from runs.admin.actions.verbs import VERBS, form_for, verbs_of
from runs.admin.kit import formatting
from runs.admin.kit.formatting import Badge, badge
from runs.admin.kit.verbs import Choice, KeptForms
from runs.models import PendingAction


@dataclass(frozen=True, slots=True)
class ActionCard:
    """A pending action as it is shown."""

    action: PendingAction
    status: Badge
    risk: Badge | None
    amount: str
    arguments: str
    proposed: str
    diff: list[Line] | None  # from what was proposed to what stands; None if nothing was edited, or it is too long
    evidence: list[tuple[str, str]]  # what is known about a call whose outcome is not: label, value
    choices: list[Choice]  # the verbs that fit
    refusal: str  # what all its verbs have in common
    back_to_run: bool


def card_of(
    action: PendingAction, user: Any, *, back_to_run: bool = False, kept_forms: KeptForms | None = None
) -> ActionCard:
    """Make an action ready to be shown."""
    choices = choices_of(action, user, verbs_of(action), kept_forms=kept_forms or {}, short=back_to_run)
    refusals = {choice.refusal for choice in choices}
    return ActionCard(
        action=action,
        status=badge(action.status),
        risk=badge(action.risk) if action.risk else None,
        amount=amount_of(action),
        arguments="" if action.arguments is None else formatting.pretty(action.arguments),
        proposed="" if action.proposed is None else formatting.pretty(action.proposed),
        diff=None if action.proposed is None else diff_of(action.proposed, action.arguments),
        evidence=_evidence(action),
        choices=choices,
        refusal=refusals.pop() if len(refusals) == 1 else "",
        back_to_run=back_to_run,
    )


def choices_of(
    action: PendingAction, user: Any, verbs: Iterable[str], *, kept_forms: KeptForms, short: bool = False
) -> list[Choice]:
    """Make verbs ready to be offered."""
    return [
        Choice(
            verb,
            VERBS[verb],
            reverse(f"admin:runs_pendingaction_{verb}", args=[action.pk]),
            kept_forms.get(verb) or form_for(action, verb, short=short),
            refusal,
        )
        for verb, refusal in refusals_of(action, user, verbs).items()
    ]


def amount_of(action: PendingAction) -> str:
    """Write what a call moves, where its tool says so."""
    return "" if action.amount_usd is None else formatting.dollars(action.amount_usd)


def _evidence(action: PendingAction) -> list[tuple[str, str]]:
    if not action.evidence:
        return []
    known = action.evidence
    return [
        ("Begun", _moment(known["begun_at"])),
        ("By worker", known["worker"] or "unknown"),
        ("Its last heartbeat", _moment(known["last_heartbeat_at"])),
        ("May still arrive until", _moment(known["may_arrive_until"])),
    ]


def _moment(text: str | None) -> str:
    return f"{formatting.moment(datetime.fromisoformat(text))} UTC" if text else "unknown"
