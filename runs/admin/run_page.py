"""What the page of a run shows, made ready for its templates."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from runs.admin.actions.card import card_of
from runs.admin.kit import formatting
from runs.admin.kit.formatting import badge
from runs.admin.kit.forms import whole_number
from runs.admin.trace import token_kind, trace_of
from runs.engine.cancel import cancellation_of
from runs.models import Run, Worker
from runs.operations.why import why
from runs.states import ENDED, FINAL, ActionStatus, RunStatus

EVENTS_MAX = 500
STEPS_PER_PAGE = 200


@dataclass(frozen=True, slots=True)
class Fact:
    """One labelled value of the header."""

    label: str
    value: str
    href: str = ""
    is_code: bool = False


@dataclass(frozen=True, slots=True)
class Button:
    """A verb of the run. With `refusal` it is disabled, and says why."""

    label: str
    href: str
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Addition:
    """What another app adds to the page."""

    lineage: list[Fact] = field(default_factory=list)  # facts of the header: where the run comes from
    failures: list[Fact] = field(default_factory=list)  # links beside the run's error
    why_no_retry: str = ""  # why a failed run may not be retried, if so


_additions: list[Callable[[Run], Addition]] = []


def add_to_run_page(addition: Callable[[Run], Addition]) -> None:
    """Let another app add to the page of each run."""
    _additions.append(addition)


def page_context(request: HttpRequest, run: Run, *, may_act: bool) -> dict[str, Any]:
    """Gather everything; each value is ready to be shown."""
    now = timezone.now()
    open_actions = run.actions.filter(status=ActionStatus.OPEN).select_related("step", "run", "tenant", "decided_by")
    cards = [card_of(action, request.user, back_to_run=True) for action in open_actions]
    first = max(1, whole_number(request.GET.get("from", "")) or 1)
    steps = trace_of(run, first=first, count=STEPS_PER_PAGE, now=now)
    additions = [add(run) for add in _additions]
    unfinished = run.state not in ENDED
    reloads = request.GET.get("refresh") != "off"
    return {
        "run": run,
        "status": badge(run.status),
        "reasons": why(run),
        "facts": _facts(run, now, [fact for one in additions for fact in one.lineage]),
        "tokens": [Fact(token_kind(name), f"{count:,}") for name, count in run.usage.items()],
        "spent": formatting.money(run.cost_usd),
        "ceiling": formatting.money(run.max_cost_usd),
        "buttons": _buttons(run, additions, may_act=may_act),
        "cards": cards,
        "steps": steps,
        "step_pages": _step_pages(run, len(steps), first),
        "input": formatting.pretty(run.input),
        "output": _output(run.output),
        "metadata": formatting.pretty(run.metadata) if run.metadata else "",
        "events": _events(run),
        "calls": _calls(run, now),
        "artifacts": list(run.artifacts.defer("body")),
        "failures": [failure for one in additions for failure in one.failures],
        "unfinished": unfinished,
        "may_fork": may_act and not unfinished,
        # Reloading would throw away what is being typed into a decision.
        "refreshes": unfinished and not cards and reloads,
        "refresh_is_off": not reloads,
    }


def _step_pages(run: Run, shown: int, first: int) -> dict[str, int]:
    """Name the first steps of the neighbouring pages. Shape: {earlier?, later?, total}."""
    total = run.steps.count() if first > 1 or shown == STEPS_PER_PAGE else shown
    pages = {"total": total}
    if first > 1:
        pages["earlier"] = max(1, first - STEPS_PER_PAGE)
    if first + STEPS_PER_PAGE <= total:
        pages["later"] = first + STEPS_PER_PAGE
    return pages


def _output(output: Any) -> str | None:
    if output is None:
        return None
    return formatting.pretty_text(output) if isinstance(output, str) else formatting.pretty(output)


def _facts(run: Run, now: datetime, lineage: Sequence[Fact]) -> list[Fact]:
    """The header: who, where, when, and where from; empty ones are left out."""
    facts = [
        Fact("Id", str(run.pk), is_code=True),
        Fact("Tenant", run.tenant.slug),
        Fact("Requested by", f"{run.requested_by} via {run.origin}"),
        Fact("Queue", f"{run.queue}, priority {run.priority}"),
        Fact("Worker", _worker_name(run)),
        Fact("Created", formatting.moment(run.created_at)),
        Fact("Started", formatting.moment(run.started_at)),
        Fact("Finished", formatting.moment(run.finished_at)),
        Fact("Took", formatting.duration(run.started_at, run.finished_at, now=now)),
        Fact("Time under a lease", f"{formatting.seconds(run.running_s)} of {formatting.seconds(run.timeout_s)}"),
        Fact("Attempts of this step", str(run.attempts)),
        Fact("Workers lost at this step", str(run.crashes or "")),
        Fact("Next attempt", _next_attempt(run, now)),
        *_cancellation(run),
        Fact("Idempotency key", run.idempotency_key or "", is_code=True),
        *_lineage(run, lineage),
    ]
    return [fact for fact in facts if fact.value]


def _next_attempt(run: Run, now: datetime) -> str:
    """When it is due, and how long that is from now: the page reloads, so this counts down."""
    at = run.next_attempt_at
    left = f", in {formatting.duration(now, at, now=now)}" if at and at > now else ""
    return formatting.moment(at) + left


def _cancellation(run: Run) -> list[Fact]:
    """Whether it really stopped: who asked and when, what it did last, what it spent afterwards."""
    asked = cancellation_of(run)
    if asked is None:
        return []
    effect = asked.last_effect
    did = f"step {effect['seq']}, {effect['tool']}, {effect['status']}" if effect else "none"
    return [
        Fact("Cancel asked", f"{formatting.moment(asked.requested_at)} by {asked.requested_by}"),
        Fact("Discarded because", asked.reason or ""),
        Fact("Last effect", did, f"#step-{effect['seq']}" if effect else ""),
        Fact("Its effect key", str((effect or {}).get("effect_key") or ""), is_code=True),
        Fact("Spent after the request", formatting.money(asked.spent_after_usd)),
    ]


def _worker_name(run: Run) -> str:
    if run.worker is None:
        return ""
    worker = Worker.objects.filter(pk=run.worker).first()
    return worker.name if worker else formatting.short(run.worker)


def _lineage(run: Run, added: Sequence[Fact]) -> list[Fact]:
    relatives = [
        ("Parent", run.parent),
        ("Continues", run.continues),
        ("Forked from", run.forked_from),
        *(("Continued by", other) for other in run.continuations.all()[:20]),
        *(("Forked as", other) for other in run.forks.all()[:20]),
    ]
    facts = [
        Fact(label, str(other), reverse("admin:runs_run_change", args=[other.pk]))
        for label, other in relatives
        if other
    ]
    facts += added
    if definition := run.definition:
        href = reverse("admin:runs_definition_change", args=[definition.pk])
        facts.append(Fact("Definition", f"{definition.model}, {definition.hash[:8]}", href))
    return facts


def _buttons(run: Run, additions: Sequence[Addition], *, may_act: bool) -> list[Button]:
    """Cancel and Retry; what does not fit the status is disabled and says why."""
    forbidden = "" if may_act else "You lack the permission to change runs"
    ended = run.state in FINAL or run.state == RunStatus.FAILED
    asked = run.cancel_requested_at is not None and not ended
    cancel = f"It is already {run.status}" if ended else "It has been asked to stop" if asked else ""
    retry = "Retry now" if run.state == RunStatus.RETRYING else "Retry"
    verbs = (("cancel", "Cancel run", cancel), ("retry", retry, _why_no_retry(run, additions)))
    return [
        Button(label, reverse(f"admin:runs_run_{verb}", args=[run.pk]), refusal or forbidden)
        for verb, label, refusal in verbs
    ]


def _why_no_retry(run: Run, additions: Sequence[Addition]) -> str:
    """Say what the verb would refuse: a run that neither failed nor waits, or whose failure is dealt with."""
    if run.state == RunStatus.RETRYING:
        return ""
    if run.state != RunStatus.FAILED:
        return "Only a run that has failed, or waits for its next try, can be retried"
    return next((one.why_no_retry for one in additions if one.why_no_retry), "")


def _events(run: Run) -> list[dict[str, Any]]:
    newest = run.events.order_by("-seq")[:EVENTS_MAX]
    return [
        {
            "seq": event.seq,
            "at": formatting.moment(event.at),
            "kind": event.kind,
            "actor": event.actor,
            "data": formatting.shortened(", ".join(f"{key}: {value}" for key, value in (event.data or {}).items())),
        }
        for event in reversed(newest)
    ]


def _calls(run: Run, now: datetime) -> list[dict[str, Any]]:
    return [
        {
            "row": call,
            "cost": formatting.money(call.cost_usd),
            "reserved": formatting.money(call.reserved_usd),
            "took": formatting.duration(call.started_at, call.finished_at, now=now),
        }
        for call in run.model_calls.select_related("step")
    ]
