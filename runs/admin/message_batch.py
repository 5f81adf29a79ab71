"""Message batches: what was sent to the provider together, how far it is, and which runs wait for it."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from runs.admin.kit.lists import CREATED, Column, badge_column, clip_column, moment_column
from runs.admin.kit.read_only import ReadOnlyAdmin
from runs.admin.kit.tenants import tenants_of
from runs.models import MessageBatch, Run

SENT = moment_column("sent_at", "sent", empty="not yet")
ENDED = moment_column("ended_at", "ended", empty="not yet")
_ENDS = ("succeeded", "errored", "expired", "canceled", "lost")
_SHOWN = 200  # runs on the page of a batch


def _progress(batch: MessageBatch) -> str:
    """Say how many requests have ended, and how."""
    counts = {word: getattr(batch, word) for word in _ENDS}
    how = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    ended = f"{sum(counts.values())} of {batch.requests} ended"
    return f"{ended}: {how}" if how else ended


def _links(batch: MessageBatch) -> SafeString:
    """Link the runs whose calls are in it, the newest first."""
    own = batch.__dict__["own_runs"]
    links = ((reverse("admin:runs_run_change", args=[run.pk]), str(run), run.status) for run in own)
    return format_html_join("\n", '<p><a href="{}">{}</a> {}</p>', links)


@admin.register(MessageBatch)
class MessageBatchAdmin(ReadOnlyAdmin[MessageBatch]):
    """Read batches; a user sees those with calls of the own tenants, and of them the own runs."""

    tenant_path = "calls__call__run__tenant"
    list_display = ("name", "state", "progress", CREATED, SENT, ENDED, clip_column("error", "last error"))
    list_filter = ("status",)
    search_fields = ("provider_id",)
    fields = (
        "name", "state", "progress", CREATED, SENT, ENDED, moment_column("collected_at", "collected", empty="not yet"),
        moment_column("next_look_at", "next look", empty="none: it is closed"), "tries", "error", "runs",
    )  # fmt: skip
    empty_state = 'No batches yet. Post a run with `"lane": "batch"`, or declare it on an agent.'

    name = Column("batch", str, ordering="provider_id")
    state = badge_column("state", lambda batch: batch.status, ordering="status")
    progress = Column("requests", _progress, ordering="requests")
    runs = Column("runs", _links)

    def get_queryset(self, request: HttpRequest) -> QuerySet[MessageBatch]:
        """Each batch once, however many calls of the user's tenants are in it."""
        return super().get_queryset(request).distinct()

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> MessageBatch:
        """Find a batch, with those of its runs that the user may see."""
        batch = super().get_object(request, object_id, from_field)
        own = Run.objects.filter(model_calls__batched__batch=batch).distinct().order_by("-created_at")
        batch.__dict__["own_runs"] = own.filter(tenant__in=tenants_of(request))[:_SHOWN]
        return batch
