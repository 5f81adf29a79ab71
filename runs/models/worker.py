"""Workers: the processes that hold leases."""

import uuid
from typing import Any

from django.db import models
from django.db.models import Q

from runs.clock import in_seconds
from runs.conf import conf
from runs.models.fields import JSONText


class WorkerQuerySet(models.QuerySet["Worker", "Worker"]):
    """Which workers live."""

    def alive(self) -> "WorkerQuerySet":
        """Those whose heartbeat is fresh by the database's clock."""
        silence: Any = in_seconds(-conf().worker_silence_s)
        return self.filter(Q(stopped_at__isnull=True), Q(heartbeat_at__gte=silence))


class Worker(models.Model):
    """One worker process."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=200)
    host = models.CharField(max_length=200)
    pid = models.PositiveIntegerField()
    queues = JSONText(help_text="Queue names, in the order in which they are served.")
    slots = models.PositiveIntegerField()
    held = models.PositiveIntegerField(default=0, help_text="Runs that it holds now.")
    draining = models.BooleanField(default=False)
    started_at = models.DateTimeField()
    heartbeat_at = models.DateTimeField(db_index=True)
    stopped_at = models.DateTimeField(null=True)
    lost = models.BooleanField(
        default=False, help_text="It died instead of stopping: killed, out of memory, or its machine."
    )

    objects = WorkerQuerySet.as_manager()

    class Meta:
        ordering = ["-heartbeat_at"]

    def __str__(self) -> str:
        return self.name
