"""Circuit breakers: which models are not asked at present, and why. They belong to no tenant."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from runs.admin.kit.lists import Column, badge_column, clip_column, moment_column
from runs.admin.kit.read_only import ReadOnlyAdmin
from runs.models import CircuitBreaker
from runs.operations.close_circuit import close_circuit

OPENED_AT = moment_column("opened_at", "opened", empty="-")
OPEN_UNTIL = moment_column("open_until", "until", empty="-")


@admin.register(CircuitBreaker)
class CircuitBreakerAdmin(ReadOnlyAdmin[CircuitBreaker]):
    """Read circuit breakers; close one by hand."""

    tenant_path = None
    list_display = (
        "model", "provider", "state", clip_column("reason", "reason"), OPENED_AT, OPEN_UNTIL,
        "times_opened", "held_runs",
    )  # fmt: skip
    list_filter = ("open_reason", "provider")
    fields = ("provider", "model", "state", "reason", OPENED_AT, OPEN_UNTIL, "times_opened", "held_runs", "probe")
    empty_state = "No circuit has ever opened: no provider has asked for a pause or failed in a burst."
    actions = ("close_selected",)

    state = badge_column("state", lambda breaker: "open circuit" if breaker.is_open else "closed circuit")
    held_runs = Column("runs held", lambda breaker: breaker.held.count())

    @admin.action(description="Close selected circuits now", permissions=["act"])
    def close_selected(self, request: HttpRequest, breakers: QuerySet[CircuitBreaker]) -> None:
        """Ask the model again at once; if it still refuses, the circuit opens again."""
        closed = sum(close_circuit(breaker, user=request.user) for breaker in breakers)
        messages.success(request, f"Closed: {closed}. If the provider still refuses, they open again.")
