"""Lanes: how many runs of a queue, tenant and job type wait and run."""

from django.contrib import admin

from runs.admin.kit.read_only import ReadOnlyAdmin
from runs.admin.kit.tenants import TenantFilter
from runs.models import QueueLane


@admin.register(QueueLane)
class QueueLaneAdmin(ReadOnlyAdmin[QueueLane]):
    """Read lanes."""

    list_display = fields = ("queue", "tenant", "job_type", "queued", "running", "cap")
    list_display_links = ("queue", "job_type")
    list_filter = ("queue", ("tenant", TenantFilter), "job_type")
    list_select_related = ("tenant",)
    search_fields = ("job_type",)
    empty_state = "No lanes yet. The first run of a queue, tenant and job type opens one."
