"""Letting held runs go on: one that probes when the pause of a gate is over, all when the gate is open."""

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from runs import clock
from runs.engine.gates import nobody_probes
from runs.engine.pacing.hold import let_go_on
from runs.errors import StaleRunError
from runs.models import Gate, Run
from runs.queue.doorbell import ring
from runs.states import RunStatus

_BATCH = 200  # a gate that opens for thousands lets them go on in several sweeps


def open_gates() -> int:
    """Let go on whoever may. Returns how many."""
    # Only what is queued is held; said, so that the index of the held runs is used and not every run looked at.
    held = Run.objects.filter(held_by=OuterRef("pk"), status=RunStatus.QUEUED)
    by_gate = held.filter(pace_need=None)  # an open gate does not hurry those that wait for their pace
    open_again = Gate.objects.filter(Exists(by_gate), shut_until__isnull=True)
    to_probe = Gate.objects.filter(nobody_probes(), Exists(held), shut_until__lte=clock.Now())
    released = sum(_let_go_on(Run.objects.filter(held_by=gate, pace_need=None), _BATCH) for gate in open_again)
    return released + sum(_let_go_on(Run.objects.filter(held_by=gate), 1) for gate in to_probe)


def _let_go_on(held: QuerySet[Run], most: int) -> int:
    """Those with the fewest failed tries go first: a probe that fails is one."""
    released = 0
    for run in held.filter(status=RunStatus.QUEUED).order_by("attempts", "rank")[:most]:
        try:
            with transaction.atomic():
                let_go_on(run, actor="gate")
                ring([run.queue])
            released += 1
        except StaleRunError:
            continue
    return released
