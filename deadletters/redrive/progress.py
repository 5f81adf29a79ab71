"""What a redrive has to tell people: how far it is, what holds it, and why letters take no part."""

from dataclasses import dataclass

from django.db.models import Count

from deadletters.models import ItemState, Redrive, RedriveStatus
from deadletters.redrive.judge import hold_of
from deadletters.redrive.verbs import FROM


@dataclass(frozen=True, slots=True)
class Reason:
    """Why so many letters were not sent. `state` is `excluded` (by the plan) or `skipped` (later)."""

    state: str
    reason: str
    count: int


def reasons_of(redrive: Redrive) -> list[Reason]:
    """Count the letters that take no part, by reason, the most frequent first."""
    out = redrive.items.filter(state__in=[ItemState.EXCLUDED, ItemState.SKIPPED])
    counted = out.values("state", "reason").annotate(n=Count("pk")).order_by("-n", "state", "reason")
    return [Reason(row["state"], row["reason"], row["n"]) for row in counted]


def held_by(redrive: Redrive) -> str:
    """Tell what it waits for; empty if it sends at its rate, or is over."""
    if redrive.status == RedriveStatus.PLANNED:
        return "nobody has started it"
    if redrive.status == RedriveStatus.PAUSED:
        return "paused"
    return hold_of(redrive) if redrive.status == RedriveStatus.RUNNING else ""


def verbs_of(redrive: Redrive) -> list[str]:
    """Name the verbs that fit its status."""
    return [verb for verb, statuses in FROM.items() if redrive.status in statuses]
