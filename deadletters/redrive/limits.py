"""What holds a redrive back or stops it: its rate, its canary, runs under way, runs that fail again. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime

from deadletters.models import Redrive

BURST_S = 4.0  # sweepers come every 2 s, or 3 on a busy machine; what was not sent for longer is forgone
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class ReplayAllowance:
    """How many dead letters might be sent at this moment. No moment: nobody has looked since the start or the pause."""

    credit: float
    at: datetime | None

    def grown(self, now: datetime, *, rate_per_s: float) -> "ReplayAllowance":
        """Let it grow until now, up to a burst. The first look finds one dead letter: no pause is credited.

        A clock that went backwards, or a sweeper that looked at it earlier, takes nothing away.
        """
        if self.at is None:
            return ReplayAllowance(1.0, now)
        elapsed_s = (now - self.at).total_seconds()
        if elapsed_s <= 0:
            return self
        return ReplayAllowance(min(burst(rate_per_s), self.credit + elapsed_s * rate_per_s), now)

    @property
    def is_enough(self) -> bool:
        """Whether a dead letter may be sent."""
        return self.credit >= 1 - _ROUNDING

    def spent(self) -> "ReplayAllowance":
        """Pay for one dead letter."""
        return replace(self, credit=self.credit - 1)


def burst(rate_per_s: float) -> float:
    """Return the most that is saved up: what the sweepers' pauses bring, and the part of one that was left over.

    Without that part, a rate of 0.75 looked at every 2 s would send one dead letter each time, not one and a half.
    """
    return 1 + BURST_S * rate_per_s


def hold_of(redrive: Redrive) -> str:
    """Say what keeps the next dead letter from being sent, whatever the rate; empty if nothing does."""
    if not redrive.pending:
        return f"{redrive.in_flight} replayed runs have not ended" if redrive.in_flight else ""
    if redrive.sent >= redrive.canary > redrive.ended:
        return f"the first {redrive.canary} are awaited before more is sent: {redrive.ended} have ended"
    if redrive.in_flight >= redrive.concurrency:
        return f"{redrive.in_flight} replayed runs have not ended, and no more may be under way at once"
    return ""


def too_many_failures(redrive: Redrive) -> str:
    """Say that a larger share has failed again than is allowed; judged on as many as the canary, or more."""
    if redrive.ended < redrive.canary:
        return ""
    percent = 100 * redrive.failed / redrive.ended
    if percent <= redrive.stop_above_percent:
        return ""
    share = f"{redrive.failed} of {redrive.ended} replayed runs failed again"
    return f"{share}: {percent:.0f} %, more than {redrive.stop_above_percent} %"
