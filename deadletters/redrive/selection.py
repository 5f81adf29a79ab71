"""Which letters a redrive is about."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from deadletters.models import IS_LIVE, DeadLetter


@dataclass(frozen=True, slots=True)
class Selection:
    """Every condition that is given must hold. Without ids only letters that nobody has closed are meant."""

    fingerprint: str = ""
    job_type: str = ""
    error_class: str = ""
    tenant: str = ""
    failed_after: datetime | None = None  # at this moment, or later
    failed_before: datetime | None = None  # before this moment
    ids: tuple[UUID, ...] = ()

    def of(self, letters: QuerySet[DeadLetter]) -> QuerySet[DeadLetter]:
        """Choose from these letters, the oldest failure first."""
        named = {name: getattr(self, name) for name in ("fingerprint", "job_type", "error_class", "tenant")}
        conditions = {name: value for name, value in named.items() if value}
        if self.failed_after:
            conditions["failed_at__gte"] = self.failed_after
        if self.failed_before:
            conditions["failed_at__lt"] = self.failed_before
        chosen = Q(pk__in=self.ids) if self.ids else IS_LIVE
        return letters.filter(chosen, **conditions).order_by("failed_at", "pk")

    def as_json(self) -> str:
        """Write what was given. Shape: the fields by name, times in ISO 8601; `chosen`, how many ids.

        The ids themselves are those of the items.
        """
        given = {name: value for name, value in asdict(self).items() if value and name != "ids"}
        given |= {"chosen": len(self.ids)} if self.ids else {}
        return json.dumps(given, default=datetime.isoformat)
