"""Options of a redrive: which dead letters, how fast, how many at once, and when it must stop."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from deadletters.models import IS_LIVE, DeadLetter

RATE_MAX_PER_S = 50.0  # what one sweeper can send on an ordinary machine in 2 s of every 4
RATE_MIN_PER_S = 0.01
CONCURRENCY_MAX = 1000
CANARY_MAX = 100
LETTERS_MAX = 2000  # in one redrive: the plan reads the run of each


@dataclass(frozen=True, slots=True)
class RedriveOptions:
    """How a redrive sends.

    Units: `stop_above_percent` of the replayed runs that have ended, at least as many as the canary.
    """

    rate_per_s: float = 5.0
    concurrency: int = 20
    canary: int = 5
    stop_above_percent: int = 20


@dataclass(frozen=True, slots=True)
class Selection:
    """Which dead letters a redrive sends. All given conditions must match; without ids, only live ones do."""

    fingerprint: str = ""
    job_type: str = ""
    error_class: str = ""
    tenant: str = ""
    failed_after: datetime | None = None  # at this moment, or later
    failed_before: datetime | None = None  # before this moment
    ids: tuple[UUID, ...] = ()

    def of(self, letters: QuerySet[DeadLetter]) -> QuerySet[DeadLetter]:
        """Choose from these dead letters, the oldest failure first."""
        conditions = {name: getattr(self, name) for name in ("fingerprint", "job_type", "error_class", "tenant")}
        conditions |= {"failed_at__gte": self.failed_after, "failed_at__lt": self.failed_before}
        given = {name: value for name, value in conditions.items() if value}
        chosen = Q(pk__in=self.ids) if self.ids else IS_LIVE
        return letters.filter(chosen, **given).order_by("failed_at", "pk")

    def as_json(self) -> str:
        """Serialise the given conditions. Shape: the fields by name, times in ISO 8601; `chosen`, the number of ids.

        The ids themselves are stored with the items.
        """
        given = {name: value for name, value in asdict(self).items() if value and name != "ids"}
        given |= {"chosen": len(self.ids)} if self.ids else {}
        return json.dumps(given, default=datetime.isoformat)
