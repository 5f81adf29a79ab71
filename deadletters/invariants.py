"""Invariants between runs and dead letters; checked with the invariants of `runs`."""

from collections.abc import Iterator

from django.db.models import Exists, OuterRef

from deadletters.models import IS_LIVE, DeadLetter
from runs.invariants.breach import Breach, each
from runs.models import Run
from runs.states import RunStatus


def dead_letters_agree() -> Iterator[Breach]:
    """I22: a failed run has a dead letter, and only a failed run has a live one."""
    letters = DeadLetter.objects.filter(run_id=OuterRef("pk"))
    failed = Run.objects.filter(~Exists(letters), status=RunStatus.FAILED)
    yield from each(22, failed, "has failed without a dead letter")
    live = Run.objects.filter(Exists(letters.filter(IS_LIVE))).exclude(status=RunStatus.FAILED)
    yield from each(22, live, "has not failed, but its dead letter is live")
