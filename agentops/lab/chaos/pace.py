"""How many runs there may be by now: runs and kills are to end together."""

import math
from dataclasses import dataclass

from django.db.models import Count, Q, Sum

from agentops.lab.chaos.options import Options
from agentops.lab.chaos.seen import seen
from runs.models import Run
from runs.states import ENDED, RunStatus

_UNFINISHED_MAX = 100
_WORKING = (RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.RETRYING)
_AHEAD = 0.1  # so much of all runs may be let in before their kills
_WORKING_MIN = 3  # fewer, and a killer finds nobody who holds a lease


@dataclass(frozen=True, slots=True)
class Stand:
    """Where the runs stand. `moves` grows with everything that happens to any of them."""

    ended: int = 0
    working: int = 0
    moves: int = 0

    @classmethod
    def now(cls) -> "Stand":
        """Read it."""
        ended, working = Q(status__in=ENDED), Q(status__in=_WORKING)
        row = seen(
            lambda: Run.objects.aggregate(
                ended=Count("pk", filter=ended), working=Count("pk", filter=working), moves=Sum("event_seq")
            )
        )
        return cls(row["ended"], row["working"], row["moves"] or 0)


class ChaosPace:
    """Lets runs in as kills are done, but never too few to be worth a kill, nor more than slots can hold."""

    def __init__(self, options: Options, *, slots: int) -> None:
        self._runs, self._runs_most = options.runs, options.runs_most
        self._kills, self._slots = options.kills, slots

    def allowed(self, stand: Stand, *, posted: int, kills: int, hungry: bool) -> int:
        """Say how many runs may have been posted by now; `hungry` is a killer that waits for work to disturb."""
        if stand.working >= self._slots or posted - stand.ended >= _UNFINISHED_MAX:
            return posted
        share = min(1.0, (kills + 1) / self._kills) if self._kills else 1.0
        due = math.ceil(self._runs * share)
        # Behind in kills, a little work must do: runs that have ended cannot be disturbed.
        least = _WORKING_MIN if posted < due + _AHEAD * self._runs else 1
        if hungry and stand.working < least:
            due = max(due, posted + least - stand.working)
        room = min(self._slots - stand.working, _UNFINISHED_MAX - (posted - stand.ended))
        most = self._runs if kills >= self._kills else self._runs_most
        return min(max(most, posted), max(posted, due), posted + room)

    def is_over(self, stand: Stand, *, posted: int, kills: int) -> bool:
        """Say whether all is posted and has ended, and the kills are done or cannot be."""
        enough = kills >= self._kills or posted >= self._runs_most
        return posted >= self._runs and enough and stand.ended >= posted
