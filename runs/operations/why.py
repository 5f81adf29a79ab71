"""Explain why a run waits, and until when: one function for the worker, the API and the console."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from uuid import UUID

from django.db.models import F

from runs import clock
from runs.engine.limits.blocked import BlockingReasons, has_full_lane
from runs.engine.tool_limits import blocked_call
from runs.models import BatchedCall, ModelCallStatus, PendingAction, Run, RunLock, Worker
from runs.models.run_lock import is_exclusive
from runs.operations.why_slots import LaneFacts
from runs.states import ActionKind, ActionStatus, HoldReason, RunStatus, StepKind, StepStatus


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason. `until` is its earliest end, or for `slots` the latest; None if unknown."""

    code: str
    message: str
    until: datetime | None = None


class Around:
    """Facts shared by many waiting runs, each looked up once. Lists pass the same object to every `why`."""

    def __init__(self, runs: Iterable[Run] = ()) -> None:
        self._runs = runs
        self.blocking = BlockingReasons()
        self._holders: dict[tuple[str, UUID], dict[int, UUID]] = {}

    @cached_property
    def now(self) -> datetime:
        """Return the time, by the database's clock."""
        return clock.now()

    @cached_property
    def served(self) -> frozenset[str]:
        """Return the queues that live workers serve."""
        return frozenset(queue for worker in self._workers for queue in worker.queues)

    @cached_property
    def lanes(self) -> LaneFacts:
        """Return the places of these runs in their lanes."""
        return LaneFacts(self._runs, self._workers)

    @cached_property
    def batched(self) -> dict[UUID, BatchedCall]:
        """Return by run the model call in the batch lane, without its request and result, which may be large."""
        waiting = [run.pk for run in self._runs if run.state == RunStatus.WAITING_FOR_BATCH]
        if not waiting:
            return {}
        lying = BatchedCall.objects.filter(call__run__in=waiting, call__status=ModelCallStatus.STARTED)
        lean = lying.select_related("batch").annotate(run_id=F("call__run")).defer("body", "result")
        return {call.run_id: call for call in lean.order_by("-created_at")}

    @cached_property
    def awaited(self) -> dict[UUID | None, UUID | None]:
        """Return by run the run that it displaces."""
        waiting = [run.pk for run in self._runs if run.state == RunStatus.SCHEDULED and is_exclusive(run)]
        locks = RunLock.objects.filter(successor__in=waiting) if waiting else RunLock.objects.none()
        return dict(locks.values_list("successor", "holder"))

    @cached_property
    def _workers(self) -> list[Worker]:
        return list(Worker.objects.alive().filter(draining=False))

    def holder(self, run: Run) -> UUID | None:
        """Name a running run in the lane of this one; those of its tenant and queue are read together."""
        key = (run.queue, run.tenant_id)
        if key not in self._holders:
            working = Run.objects.filter(queue=run.queue, tenant=run.tenant_id, status=RunStatus.RUNNING)
            self._holders[key] = dict(working.values_list("queue_lane_id", "pk"))
        return self._holders[key].get(run.queue_lane_id)


def _in_line(run: Run, around: Around) -> Reason:
    place = around.lanes.place(run)
    return Reason("slots", place.message, place.until)


def why(run: Run, around: Around | None = None) -> list[Reason]:
    """List every reason why a run is not running now; empty if it is running or has ended."""
    around = around or Around([run])
    reasons: list[Reason] = []
    match run.state:
        case RunStatus.SCHEDULED:
            reasons = _busy_tools(run) or _not_yet(run, around)
        case RunStatus.RETRYING:
            error = (run.last_error or {}).get("type", "an error")
            reasons = [Reason("backoff", f"try {run.attempts + 1} after {error}", run.next_attempt_at)]
        case RunStatus.QUEUED:
            reasons = _held_back(run, around) or [_in_line(run, around)]
        case RunStatus.WAITING_FOR_CONFIRMATION:
            actions = run.actions.all()  # prefetched for a list of runs
            opened = [action for action in actions if action.status == ActionStatus.OPEN]
            decided = Reason(ActionKind.APPROVAL, "a decision was taken just now: the run goes on at once")
            reasons = [_decision(action) for action in opened] or [decided]
        case RunStatus.WAITING_FOR_CHILDREN:
            reasons = [Reason("children", "child runs have not all ended")]
        case RunStatus.WAITING_FOR_BATCH:
            reasons = [Reason("batch", _of_batch(around.batched.get(run.pk)))]
        case RunStatus.RUNNING if run.cancel_requested_at:
            reasons = [Reason("cancelling", f"{run.cancel_requested_by} asked to cancel it")]
    return reasons


def _busy_tools(run: Run) -> list[Reason]:
    """Give the reasons of a begun run that waits until a full tool has a free slot for its call."""
    if run.started_at is None:
        return []
    names = run.steps.filter(kind=StepKind.TOOL_CALL, status=StepStatus.PLANNED).values_list("name", flat=True)
    found = {Reason(one.code, one.message, one.until) for name in names for one in blocked_call(name, run)}
    return sorted(found, key=lambda reason: reason.message)


def _not_yet(run: Run, around: Around) -> list[Reason]:
    """Give the reasons of a run that waits for its timer, or for the end of the run that it displaces."""
    holder = around.awaited.get(run.pk)
    reasons = [Reason("limit", f"takes the place of run {holder}, which is to stop first")] if holder else []
    if not holder or (run.next_attempt_at and run.next_attempt_at > around.now):
        reasons.append(Reason("scheduled", "starts by its timer", run.next_attempt_at))
    return reasons


def _held_back(run: Run, around: Around) -> list[Reason]:
    reasons = []
    if run.hold_reason_at_rest:
        lost = f"lost {run.crashes} workers at one step: tried by one that holds nothing else"
        reasons.append(Reason("quarantine", lost))
    if run.circuit_breaker and run.hold_reason == HoldReason.RATE:
        reasons.append(Reason("rate", f"{run.rate_need['rate_limit']} are used up", run.next_attempt_at))
    if run.circuit_breaker and (run.circuit_breaker.is_open or run.hold_reason == HoldReason.CIRCUIT):
        message = f"{run.circuit_breaker} is not asked: {run.circuit_breaker.reason or 'it was opened just now'}"
        reasons.append(Reason(run.circuit_breaker.open_reason or "circuit", message, run.circuit_breaker.open_until))
    reasons += [Reason(one.code, one.message, one.until) for one in around.blocking.of(run)]
    if has_full_lane(run):
        line, holder = run.queue_lane, around.holder(run)
        reasons.append(Reason("limit", f"{line.running} of {line.cap} for this tenant, held by run {holder}"))
    if run.queue not in around.served:
        reasons.append(Reason("no_worker", f"no live worker serves the queue {run.queue!r}"))
    return reasons


_WORDS = {
    ActionKind.APPROVAL: "needs approval of {tool}",
    ActionKind.QUESTION: "asked a question",
    ActionKind.OUTCOME: "must be told whether {tool} happened",
    ActionKind.BUDGET: "has used up its budget",
}


def _decision(action: PendingAction) -> Reason:
    if period := action.budget_period:
        return Reason(action.kind, f"the budget has no room: {period.budget}", period.ends_at or action.expires_at)
    words = _WORDS[ActionKind(action.kind)].format(tool=action.tool or "a step")
    return Reason(action.kind, words, action.expires_at)


def _of_batch(batched: BatchedCall | None) -> str:
    """Describe the state of the model call of a run that waits for a batch."""
    if batched is None:
        return "its model call lies in a message batch"
    since = f"since {batched.created_at:%Y-%m-%d %H:%M} UTC"
    if batched.batch is None:
        return f"its model call waits for the next message batch {since}"
    error_kind = f"; the last try: {batched.batch.error}" if batched.batch.error else ""
    return f"its model call lies in message batch {batched.batch} {since}{error_kind}"
