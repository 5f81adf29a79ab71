"""What a run frees when a slot gives it back is taken at once, also where that slot does not look itself."""

import logging
from collections.abc import Sequence

from django.db import DatabaseError

from runs.maintenance.wake_timers import wake_successor
from runs.models import Run
from runs.models.run_lock import is_exclusive
from runs.queue.waiting import ring_for_place_of
from runs.states import ENDED

log = logging.getLogger(__name__)


def on_slot_released(run: Run, served: Sequence[str]) -> None:
    """Let go on who waited for the end of this run, or for its place in queues that are not served here."""
    try:
        if run.state in ENDED and is_exclusive(run):
            wake_successor(run)
        ring_for_place_of(run, besides=served)
    except DatabaseError:
        log.warning("run %s is given back; whoever waits for it is found by the next sweep", run.pk)
