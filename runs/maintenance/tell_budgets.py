"""Mailing admins, once a period, that the soft threshold of a budget is reached."""

from django.db import transaction

from runs.clock import Now
from runs.models import BudgetPeriod
from runs.notices.budgets import tell_threshold


def tell_budgets() -> int:
    """Mail about every threshold that was reached and of which nobody was told. Returns how many."""
    untold = BudgetPeriod.objects.filter(soft_reached_at__isnull=False, soft_told_at__isnull=True)
    return sum(_tell(period) for period in untold.select_related("budget__tenant"))


@transaction.atomic
def _tell(period: BudgetPeriod) -> bool:
    if not BudgetPeriod.objects.filter(pk=period.pk, soft_told_at__isnull=True).update(soft_told_at=Now()):
        return False
    tell_threshold(period)
    return True
