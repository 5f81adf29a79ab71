"""What holds or stops a redrive: its rate, its canary, runs in flight, runs that fail again. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime

from deadletters.models import Redrive

BURST_S = 4.0  # sweeps come every 2 s, or 3 on a busy machine; unused allowance beyond this is lost
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class ReplayAllowance:
    """How many dead letters may be sent at a moment; no moment means no sweep since the start or the pause."""

    credit: float
    at: datetime | None

    def grown(self, now: datetime, *, rate_per_s: float) -> "ReplayAllowance":
        """Grow until now, up to a burst. The first sweep allows one dead letter: a pause gives no credit.

        A clock that went backwards, or a sweeper with an earlier time, takes nothing away.
        """
        if self.at is None:
            return ReplayAllowance(1.0, now)
        elapsed_s = (now - self.at).total_seconds()
        if elapsed_s <= 0:
            return self
        return ReplayAllowance(min(burst(rate_per_s), self.credit + elapsed_s * rate_per_s), now)

    @property
    def is_enough(self) -> bool:
        """Say whether a dead letter may be sent."""
        return self.credit >= 1 - _ROUNDING

    def spent(self) -> "ReplayAllowance":
        """Pay for one dead letter."""
        return replace(self, credit=self.credit - 1)


def burst(rate_per_s: float) -> float:
    """Return the maximum allowance: what grows between two sweeps, plus the left-over fraction of one.

    Without that fraction, a rate of 0.75 with a sweep every 2 s would send one dead letter per sweep, not 1.5.
    """
    return 1 + BURST_S * rate_per_s


def hold_of(redrive: Redrive) -> str:
    """Say what keeps the next dead letter from being sent, apart from the rate; empty if nothing does."""
    if not redrive.pending:
        return f"{redrive.in_flight} replayed runs have not ended" if redrive.in_flight else ""
    if redrive.sent >= redrive.canary > redrive.ended:
        return f"the first {redrive.canary} are awaited before more is sent: {redrive.ended} have ended"
    if redrive.in_flight >= redrive.concurrency:
        return f"{redrive.in_flight} replayed runs have not ended, and no more may be under way at once"
    return ""


def too_many_failures(redrive: Redrive) -> str:
    """Say that too large a share has failed again, judged on at least as many as the canary; empty if not."""
    if redrive.ended < redrive.canary:
        return ""
    percent = 100 * redrive.failed / redrive.ended
    if percent <= redrive.stop_above_percent:
        return ""
    share = f"{redrive.failed} of {redrive.ended} replayed runs failed again"
    return f"{share}: {percent:.0f} %, more than {redrive.stop_above_percent} %"
