"""On which terms a redrive sends: how fast, how many at once, and when it must stop. Pure."""

from dataclasses import dataclass

RATE_MAX_PER_S = 50.0  # what one sweeper can send on a common machine, with 2 s of every 4 for it
RATE_MIN_PER_S = 0.01
CONCURRENCY_MAX = 1000
CANARY_MAX = 100
LETTERS_MAX = 2000  # in one redrive: the plan looks at the run of each


@dataclass(frozen=True, slots=True)
class Terms:
    """What the one who plans decides.

    Units: `stop_above_percent` of the replayed runs that have ended, at least as many as the canary.
    """

    rate_per_s: float = 5.0
    concurrency: int = 20
    canary: int = 5
    stop_above_percent: int = 20
