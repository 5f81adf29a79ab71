"""How many letters may be sent by now: an allowance that grows with time. Pure: moments come in, numbers come out."""

from dataclasses import dataclass, replace
from datetime import datetime

BURST_S = 4.0  # sweepers come every 2 s, or 3 on a busy machine; what was not sent for longer is forgone
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Allowance:
    """So many letters might be sent at this moment. No moment: nobody has looked since the start or the pause."""

    credit: float
    at: datetime | None

    def grown(self, now: datetime, *, rate_per_s: float) -> "Allowance":
        """Let it grow until now, up to a burst. The first look finds one letter: no pause is credited.

        A clock that went backwards, or a sweeper that looked at it earlier, takes nothing away.
        """
        if self.at is None:
            return Allowance(1.0, now)
        elapsed_s = (now - self.at).total_seconds()
        if elapsed_s <= 0:
            return self
        return Allowance(min(burst(rate_per_s), self.credit + elapsed_s * rate_per_s), now)

    @property
    def is_enough(self) -> bool:
        """Whether a letter may be sent."""
        return self.credit >= 1 - _ROUNDING

    def spent(self) -> "Allowance":
        """Pay for one letter."""
        return replace(self, credit=self.credit - 1)


def burst(rate_per_s: float) -> float:
    """Tell the most that is saved up: what the sweepers' pauses bring, and the part of a letter that was left over.

    Without that part, a rate of 0.75 looked at every 2 s would send one letter each time, not one and a half.
    """
    return 1 + BURST_S * rate_per_s
