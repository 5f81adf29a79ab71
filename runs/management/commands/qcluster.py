"""`qcluster`: the clock. One schedule row of django-q2 calls one function of ours every minute."""

import os
import threading
from typing import Any

from django_q.cluster import Cluster
from django_q.management.commands.qcluster import Command as QClusterCommand
from django_q.models import Schedule

from runs.management.database import require_database
from runs.operations.diagnose import TICK
from runs.worker.supervisor import forks_die_with_us

STOPS_IN_S = 10.0

_TICK = {"func": "runs.maintenance.reconcile.tick", "schedule_type": Schedule.MINUTES, "minutes": 1}


class Clock(Cluster):  # type: ignore[misc]  # django-q2 has no types
    """A cluster that ends on SIGTERM.

    Signalled while it starts, django-q2's own deadlocks: its handler joins the sentinel, which waits for a lock
    that the interrupted code holds. Nothing is lost by an exit, since a clock may be killed at any time.
    """

    def sig_handler(self, signum: int, frame: Any) -> None:
        """Stop, and exit after `STOPS_IN_S` at the latest; `forks_die_with_us` kills the children."""
        last_resort = threading.Timer(STOPS_IN_S, os._exit, (1,))
        last_resort.daemon = True
        last_resort.start()
        super().sig_handler(signum, frame)


class Command(QClusterCommand):  # type: ignore[misc]  # django-q2 has no types
    """Run the clock until stopped."""

    help = "Run the clock: timers and recovery go on even when every worker is gone."

    def handle(self, *args: Any, **options: Any) -> None:
        require_database()
        forks_die_with_us()  # else django-q2's children would outlive this clock and run beside its successor
        Schedule.objects.update_or_create(name=TICK, defaults=_TICK)
        if options["cluster_name"]:
            os.environ["Q_CLUSTER_NAME"] = options["cluster_name"]
        clock = Clock()
        clock.start()
        if options["run_once"]:
            clock.stop()
