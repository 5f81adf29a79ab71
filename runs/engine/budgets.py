"""Which budgets a run's model calls count in. Cached for a second, since every step asks."""

from dataclasses import dataclass
from uuid import UUID

from runs.models import Budget, Period, Run
from runs.ttl_cache import TTLCache


@dataclass(frozen=True, slots=True)
class Watched:
    """An active budget's scope, as read from the database."""

    pk: int
    tenant_id: UUID | None
    job_type: str
    period: Period

    def covers(self, run: Run) -> bool:
        """Say whether this run's spending counts in the budget."""
        of_tenant = self.tenant_id is None or self.tenant_id == run.tenant_id
        return of_tenant and self.job_type in ("", run.job_type)


def budgets_over(run: Run) -> tuple[Watched, ...]:
    """List the budgets that a call of this run counts in. Raises: DatabaseError, if they were never read."""
    return tuple(row for row in _rows() if row.covers(run))


def _read() -> tuple[Watched, ...]:
    found = Budget.objects.filter(is_active=True).order_by("pk")
    return tuple(Watched(b.pk, b.tenant_id, b.job_type, Period(b.period)) for b in found)


_rows = TTLCache("the budgets", _read)
forget_budgets = _rows.clear
