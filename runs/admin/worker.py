"""Workers: the processes that hold leases. They belong to no tenant."""

from datetime import timedelta

from django.contrib import admin
from django.utils import timezone

from runs.admin.kit.formatting import duration, mono
from runs.admin.kit.lists import Column, badge_column, column, moment_column
from runs.admin.kit.read_only import ReadOnlyAdmin
from runs.conf import conf
from runs.models import Worker

STARTED = moment_column("started_at", "started")


def _state_of(worker: Worker) -> str:
    """Say whether it lives, by its heartbeat."""
    silent = timezone.now() - worker.heartbeat_at > timedelta(seconds=conf().worker_silence_s)
    if worker.stopped_at:
        return "lost" if worker.lost else "stopped"
    return "silent" if silent else "draining" if worker.draining else "alive"


@admin.register(Worker)
class WorkerAdmin(ReadOnlyAdmin[Worker]):
    """Read workers, with the age of their heartbeats."""

    tenant_path = None
    list_display = ("name", "state", "queue_names", "load", "heartbeat_age", "host", "pid", STARTED)
    list_filter = ("host", "draining")
    search_fields = ("name", "host")
    fields = (
        "name", "state", "queue_names", "load", "heartbeat_age", "host", "pid", "draining",
        STARTED, moment_column("heartbeat_at", "last heartbeat"), moment_column("stopped_at", "stopped"), "id",
    )  # fmt: skip
    empty_state = "No worker has ever started. Start one: manage.py rqworker agents"

    state = badge_column("state", _state_of)
    queue_names = Column("queues", lambda worker: ", ".join(map(str, worker.queues)))
    load = Column("held / slots", lambda worker: mono(f"{worker.held} / {worker.slots}"))
    heartbeat_age = column("heartbeat_at", "heartbeat", lambda at: f"{duration(at, None, now=timezone.now())} ago")
