"""`qcluster`: the clock. One schedule row of django-q2 calls one function of ours every minute."""

from typing import Any

from django_q.management.commands.qcluster import Command as QClusterCommand
from django_q.models import Schedule

from runs.management.database import require_database
from runs.operations.diagnose import TICK
from runs.worker.supervisor import forks_die_with_us

_TICK = {"func": "runs.maintenance.reconcile.tick", "schedule_type": Schedule.MINUTES, "minutes": 1}


class Command(QClusterCommand):  # type: ignore[misc]  # django-q2 has no types
    """Run the clock until stopped."""

    help = "Run the clock: timers and recovery go on even when every worker is gone."

    def handle(self, *args: Any, **options: Any) -> None:
        """Make sure that our one schedule row exists, then run django-q2."""
        require_database()
        forks_die_with_us()  # django-q2's children would go on beside the clock that replaces this one
        Schedule.objects.update_or_create(name=TICK, defaults=_TICK)
        super().handle(*args, **options)
