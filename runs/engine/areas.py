"""Areas: what of a queue a pause, a full limit or a raised cap is about, as conditions for the claim."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q

from runs.models import Run
from runs.models.sql import Statement, adapt


@dataclass(frozen=True, slots=True)
class Area:
    """Some job types of some tenants."""

    job_types: frozenset[str] | None = None  # None: every one
    tenants: frozenset[UUID] | None = None  # None: every one

    def holds(self, job_type: str, tenant_id: UUID) -> bool:
        """Say whether this job type of this tenant is in it."""
        return (self.job_types is None or job_type in self.job_types) and (
            self.tenants is None or tenant_id in self.tenants
        )

    def condition(self) -> Statement:
        """The same as `holds`, for the lanes of one queue: a condition of SQL."""
        parts, params = ["1 = 1"], []
        for column, values in self._given:
            parts.append(f'"{column}" IN ({", ".join(["%s"] * len(values))})' if values else "1 = 0")
            params += [adapt(Run, column, value) if column == "tenant_id" else value for value in values]
        return Statement(" AND ".join(parts), params)

    def query(self) -> Q:
        """The same as `holds`, for the runs of one queue."""
        everywhere = Q(pk__isnull=False)  # an empty Q would mean the same if negated
        return everywhere & Q(*((f"{column}__in", values) for column, values in self._given))

    @property
    def _given(self) -> list[tuple[str, list[Any]]]:
        wanted: dict[str, frozenset[Any] | None] = {"job_type": self.job_types, "tenant_id": self.tenants}
        return [(column, sorted(values, key=str)) for column, values in wanted.items() if values is not None]


def merged(areas: Iterable[Area]) -> list[Area]:
    """Cover the same with one area for each choice of job types: a condition must not grow deeper with the tenants."""
    found: dict[frozenset[str] | None, set[UUID] | None] = {}
    for area in areas:
        known = found.setdefault(area.job_types, set())
        if known is None or area.tenants is None:
            found[area.job_types] = None
        else:
            known |= area.tenants
    return [Area(names, None if tenants is None else frozenset(tenants)) for names, tenants in found.items()]
