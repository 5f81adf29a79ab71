"""How long runs of killed workers waited: from the kill to the claim by the next worker."""

import math
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from agentops.lab.chaos.process_life import Death
from runs.conf import conf
from runs.models import RunEvent

_CLOCKS_S = 0.5  # how far our clock and the database's may be apart

Claim = tuple[UUID, int]  # a run and the fence of one claim of it


def recoveries_s(deaths: Iterable[Death], *, quarantined: bool) -> list[float]:
    """Measure every run that a killed worker held and another one claimed. Units: seconds, sorted.

    With `quarantined` those that wait for a process of their own; without, all the others.
    """
    claimed: dict[Claim, float] = {}
    by_worker: dict[str, list[Claim]] = {}
    for run, data, actor, at in RunEvent.objects.filter(kind="run.claimed").values_list("run", "data", "actor", "at"):
        claim = (run, data["fence"])
        claimed[claim] = at.timestamp()
        by_worker.setdefault(actor, []).append(claim)
    rescued = {
        (run, data["fence"]): at.timestamp()
        for run, data, at in RunEvent.objects.filter(kind="run.rescued").values_list("run", "data", "at")
        if quarantined == (data["crashes"] >= conf().crashes_max - 1)
    }
    return sorted(
        seconds
        for death in deaths
        if death.role == "worker" and death.point
        for seconds in waits_s(death.at, by_worker.get(death.name, ()), rescued, claimed)
    )


def waits_s(
    died_at: float, held: Iterable[Claim], rescued: Mapping[Claim, float], claimed: Mapping[Claim, float]
) -> list[float]:
    """Measure the claims of one dead worker: those that were rescued after its death and claimed again."""
    waits = []
    for run, fence in held:
        rescued_at, next_at = rescued.get((run, fence)), claimed.get((run, fence + 1))
        if rescued_at and next_at and rescued_at > died_at - _CLOCKS_S:
            waits.append(max(0.0, next_at - died_at))
    return waits


def percentile(sorted_s: Sequence[float], share: float) -> float | None:
    """The smallest value that is not below this share of all; None of none."""
    if not sorted_s:
        return None
    return sorted_s[max(0, math.ceil(share * len(sorted_s)) - 1)]
