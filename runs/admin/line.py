"""Waiting lines: how many runs of a queue, tenant and job type wait and run."""

from django.contrib import admin

from runs.admin.records import RecordAdmin
from runs.admin.scope import TenantFilter
from runs.models import Line


@admin.register(Line)
class LineAdmin(RecordAdmin[Line]):
    """Read waiting lines."""

    list_display = ("queue", "tenant", "job_type", "queued", "running", "cap")
    list_display_links = ("queue", "job_type")
    list_filter = ("queue", ("tenant", TenantFilter), "job_type")
    list_select_related = ("tenant",)
    search_fields = ("job_type",)
    fields = ("queue", "tenant", "job_type", "queued", "running", "cap")
    empty_state = "No waiting lines yet. The first run of a queue, tenant and job type opens one."
