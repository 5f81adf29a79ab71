"""Runs: the list, its search and filters, and the verbs."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import Count, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html

from runs.admin.kit import formatting
from runs.admin.kit.forms import whole_number
from runs.admin.kit.lists import Column, badge_column, check_term, column, id_column
from runs.admin.kit.tenants import TenantFilter, operator_of
from runs.admin.kit.verbs import PageAdmin, Question, ask, is_confirmed
from runs.admin.run_page import page_context
from runs.errors import InvalidInputError, RunsError
from runs.models import Run, Step
from runs.operations.cancel_run import cancel_run
from runs.operations.fork_run import fork_run
from runs.operations.replay_run import retry_run
from runs.states import STEP_DONE, RunStatus

CANCEL = Question(
    "Cancel the run?",
    "A cancelled run ends for good: it cannot be retried or started again. A call in flight ends first, and what it "
    "has done stays done.",
    "Cancel run",
)
CANCEL_SELECTED = replace(CANCEL, title="Cancel these runs?", button="Cancel runs")
SHOWN_REFUSALS = 5  # of a bulk action; the rest is counted


def _cancel(request: HttpRequest, run: Run) -> str:
    run = cancel_run(run, user=operator_of(request))
    if run.state == RunStatus.CANCELLED:
        return "The run is cancelled."
    return "Asked to stop: the worker ends the run at its next boundary."


def _fork(request: HttpRequest, run: Run) -> str:
    from_step = whole_number(request.POST.get("from_step", ""))
    if from_step is None:
        raise InvalidInputError({"from_step": ["give the number of a step"]})
    fork = fork_run(run, user=operator_of(request), from_step=from_step, origin="admin")
    return f"Forked: run {formatting.short(fork.pk)} goes on from there; it is linked below as «Forked as»."


def _retry(request: HttpRequest, run: Run) -> str:
    retry_run(run, user=operator_of(request))
    if run.state == RunStatus.RETRYING:  # before: the verb has changed the row, not what was read of it
        return "The run is queued: it does not wait any longer for its next try."
    return "The run is queued again and continues after its last good step."


@admin.register(Run)
class RunAdmin(PageAdmin[Run]):
    """Watch runs, cancel and retry them."""

    list_display = (
        "state", "job_type", "short_id", "tenant", "queue", "steps", "took", "attempts", "cost", "created",
    )  # fmt: skip
    list_display_links = ("job_type", "short_id")
    list_filter = ("status", "job_type", "queue", ("tenant", TenantFilter), "created_at")
    list_select_related = ("tenant",)
    list_per_page = 50
    search_fields = ("idempotency_key",)
    search_help_text = "The beginning of an id, or of an idempotency key"
    actions = ("cancel_selected",)
    verbs = {"cancel": _cancel, "retry": _retry, "fork": _fork}
    questions = {"cancel": CANCEL}
    empty_state = "No runs yet. Post one: manage.py run NAME --input JSON"

    state = badge_column("status", lambda run: run.status, ordering="status")
    short_id = id_column()
    steps = Column(
        "steps",
        lambda run: format_html('{} <span class="clip quiet">{}</span>', run.step_count, run.step_name or ""),
    )
    took = Column("took", lambda run: formatting.duration(run.started_at, run.finished_at, now=timezone.now()))
    cost = column("cost_usd", "cost", formatting.money)
    created = column("created_at", "created (UTC)", formatting.minute)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Run]:
        """Count the steps of each run, and name the one it is at."""
        steps = Step.objects.filter(run=OuterRef("pk")).order_by("seq")
        counted = steps.order_by().values("run").annotate(n=Count("pk")).values("n")
        return (
            super()
            .get_queryset(request)
            .annotate(
                step_count=Coalesce(Subquery(counted), 0, output_field=IntegerField()),
                step_name=Subquery(steps.exclude(status__in=STEP_DONE).values("name")[:1]),
            )
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Run], search_term: str
    ) -> tuple[QuerySet[Run], bool]:
        """Find runs by the beginning of their id or idempotency key: ranges, which an index serves."""
        term = search_term.strip()
        check_term(term)
        if not term:
            return queryset, False
        return queryset.filter(Q(idempotency_key__startswith=term) | _id_begins(term)), False

    def page_context(self, request: HttpRequest, record: Run) -> dict[str, Any]:
        """What the run's page shows."""
        return page_context(request, record, may_act=self.may_act(request))

    @admin.action(description="Cancel selected runs", permissions=["act"])
    def cancel_selected(self, request: HttpRequest, runs: QuerySet[Run]) -> HttpResponse | None:
        """Ask, then cancel each; one that cannot be cancelled does not hold up the others."""
        if not is_confirmed(request):
            return ask(request, self, CANCEL_SELECTED, about=list(runs), back=request.get_full_path())
        done, refusals = 0, []
        for run in runs:
            try:
                cancel_run(run, user=operator_of(request))
                done += 1
            except RunsError as error:
                refusals.append(f"{run}: {error}.")
        if done:
            messages.success(request, f"Cancelled, or asked to stop: {done}.")
        for refusal in refusals[:SHOWN_REFUSALS]:
            messages.warning(request, f"Not cancelled: {refusal}")
        if len(refusals) > SHOWN_REFUSALS:
            messages.warning(request, f"… and {len(refusals) - SHOWN_REFUSALS} more were not cancelled.")
        return None


def _id_begins(term: str) -> Q:
    """Match ids that begin so; a term that cannot begin an id matches none."""
    digits = term.replace("-", "").lower()
    if not digits or len(digits) > 32 or not set(digits) <= set("0123456789abcdef"):
        return Q(pk__in=[])
    return Q(pk__gte=UUID(digits.ljust(32, "0")), pk__lte=UUID(digits.ljust(32, "f")))
