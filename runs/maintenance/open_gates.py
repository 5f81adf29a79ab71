"""Letting held runs go on: one that probes when the pause of a gate is over, all when the gate is open."""

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from runs import clock
from runs.engine.gates import nobody_probes
from runs.engine.pacing.hold import let_go_on
from runs.errors import StaleRunError
from runs.models import Gate, Run
from runs.models.in_turn import in_turn
from runs.states import RunStatus

_BATCH = 200  # a gate that opens for thousands lets them go on in several sweeps


def open_gates() -> int:
    """Let go on whoever may. Returns how many."""
    # Only what is queued is held; said, so that the index of the held runs is used and not every run looked at.
    queued = Run.objects.filter(status=RunStatus.QUEUED)
    held = queued.filter(held_by=OuterRef("pk"))
    by_gate = held.filter(pace_need=None)  # an open gate does not hurry those that wait for their pace
    open_again = Gate.objects.filter(Exists(by_gate), shut_until__isnull=True)
    to_probe = Gate.objects.filter(nobody_probes(), Exists(held), shut_until__lte=clock.Now())
    # Who has been held longest probes: a request that fails by its own fault must not be every probe.
    probes = (queued.filter(held_by=gate).order_by("queued_at")[:1] for gate in to_probe)
    waiting = queued.filter(pace_need=None)
    released = sum(_let_go_on(in_turn(waiting.filter(held_by=gate), "rank")[:_BATCH]) for gate in open_again)
    return released + sum(_let_go_on(probe) for probe in probes)


def _let_go_on(held: QuerySet[Run]) -> int:
    released = 0
    for run in held:
        try:
            with transaction.atomic():
                let_go_on(run, actor="gate")
            released += 1
        except StaleRunError:
            continue
    return released
