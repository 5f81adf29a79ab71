"""Workers: the processes that hold leases. They belong to no tenant."""

from datetime import timedelta

from django.contrib import admin
from django.utils import timezone
from django.utils.safestring import SafeString

from runs.admin.kit.formatting import badge_html, duration, mono
from runs.admin.kit.lists import moment_column
from runs.admin.kit.read_only import ReadOnlyAdmin
from runs.conf import conf
from runs.models import Worker

STARTED = moment_column("started_at", "started")
HEARTBEAT = moment_column("heartbeat_at", "last heartbeat")
STOPPED = moment_column("stopped_at", "stopped")


@admin.register(Worker)
class WorkerAdmin(ReadOnlyAdmin[Worker]):
    """Read workers, with the age of their heartbeats."""

    tenant_path = None
    list_display = ("name", "state", "queue_names", "load", "heartbeat_age", "host", "pid", STARTED)
    list_filter = ("host", "draining")
    search_fields = ("name", "host")
    fields = (
        "name", "state", "queue_names", "load", "heartbeat_age", "host", "pid",
        "draining", STARTED, HEARTBEAT, STOPPED, "id",
    )  # fmt: skip
    readonly_fields = ("state", "queue_names", "load", "heartbeat_age", STARTED, HEARTBEAT, STOPPED, "id")
    empty_state = "No worker has ever started. Start one: manage.py rqworker agents"

    @admin.display(description="state")
    def state(self, worker: Worker) -> SafeString:
        """Say whether it lives, by its heartbeat."""
        silent = timezone.now() - worker.heartbeat_at > timedelta(seconds=conf().worker_silence_s)
        if worker.stopped_at:
            return badge_html("lost" if worker.lost else "stopped")
        return badge_html("silent" if silent else "draining" if worker.draining else "alive")

    @admin.display(description="queues")
    def queue_names(self, worker: Worker) -> str:
        """List the queues in the order in which they are served."""
        return ", ".join(str(name) for name in worker.queues)

    @admin.display(description="held / slots")
    def load(self, worker: Worker) -> SafeString:
        """Show how full it is."""
        return mono(f"{worker.held} / {worker.slots}")

    @admin.display(description="heartbeat", ordering="heartbeat_at")
    def heartbeat_age(self, worker: Worker) -> str:
        """Say how long ago it was last heard of."""
        return f"{duration(worker.heartbeat_at, None, now=timezone.now())} ago"
