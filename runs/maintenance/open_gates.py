"""Letting held runs go on: one that probes when the pause of a gate is over, all when the gate is open."""

from django.db import transaction
from django.db.models import Exists, OuterRef

from runs import clock
from runs.engine.gates import nobody_probes
from runs.errors import StaleRunError
from runs.models import Gate, Run
from runs.models.moves import Event, change
from runs.queue.doorbell import ring

_BATCH = 200  # a gate that opens for thousands lets them go on in several sweeps


def open_gates() -> int:
    """Let go on whoever may. Returns how many."""
    held = Gate.objects.filter(Exists(Run.objects.filter(held_by=OuterRef("pk"))))
    open_again = held.filter(shut_until__isnull=True)
    to_probe = held.filter(nobody_probes(), shut_until__lte=clock.Now())
    return sum(_let_go_on(gate, _BATCH) for gate in open_again) + sum(_let_go_on(gate, 1) for gate in to_probe)


def _let_go_on(gate: Gate, most: int) -> int:
    """Those with the fewest failed tries go first: a probe that fails is one."""
    released = 0
    for run in Run.objects.filter(held_by=gate, status="queued").order_by("attempts", "rank")[:most]:
        try:
            with transaction.atomic():
                change(run, held_by_id=None, events=[Event("run.queued", actor="gate")])
                ring([run.queue])
            released += 1
        except StaleRunError:
            continue
    return released
