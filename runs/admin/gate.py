"""Gates: which models are not asked at present, and why. They belong to no tenant."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from runs.admin.columns import clip_column, moment_column
from runs.admin.palette import badge_html
from runs.admin.records import RecordAdmin
from runs.models import Gate
from runs.operations.open_gate import open_gate

SHUT_AT = moment_column("shut_at", "shut", empty="-")
SHUT_UNTIL = moment_column("shut_until", "until", empty="-")


@admin.register(Gate)
class GateAdmin(RecordAdmin[Gate]):
    """Read gates; open one by hand."""

    tenant_path = None
    list_display = (
        "model", "provider", "state", clip_column("reason", "reason"), SHUT_AT, SHUT_UNTIL, "times_shut", "held_runs",
    )  # fmt: skip
    list_filter = ("shut_by", "provider")
    fields = ("provider", "model", "state", "reason", SHUT_AT, SHUT_UNTIL, "times_shut", "held_runs", "probe")
    readonly_fields = ("state", SHUT_AT, SHUT_UNTIL, "held_runs")
    empty_state = "No gate has ever been shut: no provider has asked for a pause or failed in a burst."
    actions = ("open_selected",)

    @admin.display(description="state")
    def state(self, gate: Gate) -> SafeString:
        """Say whether the model is asked."""
        return badge_html("shut" if gate.is_shut else "asked")

    @admin.display(description="runs held")
    def held_runs(self, gate: Gate) -> int:
        """Count the runs that wait for it."""
        return gate.held.count()

    def has_open_permission(self, request: HttpRequest) -> bool:
        """Opening has a permission of its own."""
        return request.user.has_perm("runs.change_gate")

    @admin.action(description="Open selected gates now", permissions=["open"])
    def open_selected(self, request: HttpRequest, gates: QuerySet[Gate]) -> None:
        """Ask the model again at once; if it still refuses, the gate shuts again."""
        opened = sum(open_gate(gate, user=request.user) for gate in gates)
        messages.success(request, f"Opened: {opened}. If the provider still refuses, they shut again.")
