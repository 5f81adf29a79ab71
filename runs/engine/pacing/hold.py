"""Holding a run until it is its turn: it is queued, no claim takes it, and it says why and until when."""

from datetime import timedelta

from runs.engine.cancel import is_to_be_cancelled
from runs.engine.journal import Journal
from runs.engine.outcomes import Paced
from runs.models import PROVIDER, CircuitBreaker, Run
from runs.models.moves import Event, now, transition
from runs.states import RunStatus

_LONGEST_S = 365 * 24 * 3600.0  # a calendar has an end


def hold_for_pace(journal: Journal, paced: Paced) -> None:
    """Give the slot back and stand back from all claims; but not if somebody wants to cancel the run."""
    breaker, _ = CircuitBreaker.objects.get_or_create(provider=PROVIDER, model=paced.need["model"])
    ahead = Run.objects.filter(held_by=breaker, status=RunStatus.QUEUED, pace_need__isnull=False).count()
    until = journal.lease.now() + timedelta(seconds=min(paced.wait_s + ahead * paced.share_s, _LONGEST_S))

    def hold() -> None:
        journal.record_event("run.held_back", breaker=str(breaker), pace=paced.need["pace"], until=until.isoformat())
        journal.commit(to=RunStatus.QUEUED, held_by_id=breaker.pk, pace_need=dict(paced.need), next_attempt_at=until)
        if is_to_be_cancelled(journal.run):
            let_go_on(journal.run, actor="cancel")

    journal.write_whole(hold)


def let_go_on(run: Run, *, actor: str) -> None:
    """Put a held run back into its lane, ready now. Raises: StaleRunError."""
    transition(run, held_by_id=None, next_attempt_at=None, queued_at=now(), events=[Event("run.queued", actor=actor)])
