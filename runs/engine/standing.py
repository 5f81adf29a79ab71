"""What holds back queued runs now, for many of them: each queue is looked at once, whoever asks."""

from runs.engine.scopes import Blocked, Place, blocked, rules
from runs.models import Run


class Standing:
    """What pauses, limits and full lanes hold back, as a claim would find it at this moment."""

    def __init__(self) -> None:
        self._blocked: dict[str, list[Blocked]] = {}

    def reasons(self, run: Run) -> list[Blocked]:
        """List the pauses and limits that hold back a queued run."""
        if run.queue not in self._blocked:
            self._blocked[run.queue] = blocked(rules().of_queue(run.queue), dated=True)
        place = Place.of(run)
        return [one for one in self._blocked[run.queue] if one.holds(place)]

    def holds(self, run: Run) -> bool:
        """Say whether no claim takes this run now."""
        return has_full_lane(run) or bool(self.reasons(run))


def has_full_lane(run: Run) -> bool:
    """Say whether as many of its lane work as its job type declares, and no limit stands in for that."""
    lane = run.queue_lane
    return lane.cap is not None and lane.running >= lane.cap and not _is_overridden(Place.of(run))


def _is_overridden(place: Place) -> bool:
    return any(area.holds(place.job_type, place.tenant_id) for area in rules().of_queue(place.queue).overrides)
