"""Holding a run until a rate limit has room: it is queued, no claim takes it, and it says why and until when."""

from datetime import timedelta

from runs.engine.journal import Journal
from runs.engine.outcomes import RateLimitReached
from runs.engine.sleep import sleep
from runs.models import PROVIDER, CircuitBreaker, Run
from runs.states import HoldReason, RunStatus

_LONGEST_S = 365 * 24 * 3600.0  # a calendar has an end


def hold_for_rate_limit(journal: Journal, reached: RateLimitReached) -> None:
    """Give the slot back and hold the run; a run that is to be cancelled goes on at once."""
    breaker, _ = CircuitBreaker.objects.get_or_create(provider=PROVIDER, model=reached.need["model"])
    ahead = Run.objects.filter(circuit_breaker=breaker, status=RunStatus.QUEUED, hold_reason=HoldReason.RATE).count()
    until = journal.lease.now() + timedelta(seconds=min(reached.wait_s + ahead * reached.share_s, _LONGEST_S))
    sleep(
        journal,
        RunStatus.QUEUED,
        "run.held_back",
        data={"circuit": str(breaker), "rate_limit": reached.need["rate_limit"], "until": until.isoformat()},
        hold_reason=HoldReason.RATE,
        circuit_breaker_id=breaker.pk,
        rate_need=dict(reached.need),
        next_attempt_at=until,
    )
