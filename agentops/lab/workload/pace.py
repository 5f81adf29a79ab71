"""How often to look at a run: the players of a replay learn it from each other."""

_FIRST_S = (0.1, 2.0)  # the least and the most to wait before the first look
_AGAIN_S = (0.1, 0.5)
_LEARNT = 0.1  # how much one observation weighs


class WorkloadPace:
    """Looks shortly before a run usually asks again: every look in vain costs the server what a worker lacks.

    Shared between threads; an observation lost in a race does no harm.
    """

    def __init__(self) -> None:
        self._usual_s = 0.2

    @property
    def first_look_s(self) -> float:
        """Seconds from an answer to the first look."""
        return _within(_FIRST_S, 0.8 * self._usual_s)

    @property
    def next_look_s(self) -> float:
        """Seconds between two looks."""
        return _within(_AGAIN_S, 0.25 * self._usual_s)

    def learn(self, seconds: float) -> None:
        """Note how long it took from an answer to the next question."""
        self._usual_s += _LEARNT * (seconds - self._usual_s)


def _within(bounds: tuple[float, float], seconds: float) -> float:
    least, most = bounds
    return min(most, max(least, seconds))
