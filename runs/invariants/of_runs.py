"""Invariants of runs: no run is stuck, each has one end event, counts and tenants agree."""

from collections.abc import Iterator
from typing import Any

from django.db.models import Case, Count, Exists, F, Max, Min, OuterRef, Q, Value, When

from runs.clock import in_seconds
from runs.conf import conf
from runs.declarations.catalog import job_types
from runs.engine.tool_limits import ToolHeadroom, waits_for_slot
from runs.invariants.breach import Breach, each
from runs.models import BatchedCall, ModelCallStatus, PendingAction, QueueLane, Run, RunEvent, RunLock, Step
from runs.states import ENDED, FINAL, ActionStatus, RunStatus, StepStatus

# The next holder settles the step, and a batch may answer it.
_MAY_HOLD_A_BEGUN_STEP = (RunStatus.RUNNING, RunStatus.QUEUED, RunStatus.RETRYING, RunStatus.WAITING_FOR_BATCH)


def nobody_is_stuck() -> Iterator[Breach]:
    """I1: a run that has not ended has a live lease, a timer, an open action, a call in a batch, or is queued."""
    late: Any = in_seconds(-conf().lease_s - 2 * conf().sweep_s)
    open_action = PendingAction.objects.filter(run=OuterRef("pk"), status=ActionStatus.OPEN)
    in_batch = BatchedCall.objects.filter(
        Q(batch=None) | Q(batch__next_look_at__isnull=False),
        call__run=OuterRef("pk"),
        call__status=ModelCallStatus.STARTED,
        end="",
    )
    headroom = ToolHeadroom()
    awaits_lock = RunLock.objects.filter(successor=OuterRef("pk"))  # `of_queue` checks its holder
    stuck = (
        (Q(status=RunStatus.RUNNING, lease_expires_at__lt=late), "is running, but its lease ended long ago"),
        (
            Q(
                ~Exists(awaits_lock),
                ~headroom.nothing_to_do(),
                ~waits_for_slot(headroom.limited),
                status__in=[RunStatus.SCHEDULED, RunStatus.RETRYING],
                next_attempt_at__lt=late,
            ),
            "was due long ago",
        ),
        (Q(~Exists(open_action), status=RunStatus.WAITING_FOR_CONFIRMATION), "waits for a decision, but none is open"),
        (Q(~Exists(in_batch), status=RunStatus.WAITING_FOR_BATCH), "waits for a batch, but none will answer it"),
        (Q(status=RunStatus.WAITING_FOR_CHILDREN), "waits for what nobody ends yet"),
    )
    for condition, message in stuck:
        yield from each(1, Run.objects.filter(condition), message)


def one_end_each() -> Iterator[Breach]:
    """I2: a final run has one end event, and it is the last; a failed run has one more failure than replays."""
    last = RunEvent.objects.filter(run=OuterRef("pk"), seq=OuterRef("event_seq"))
    for status in ENDED:
        other = Run.objects.filter(~Exists(last.filter(kind=f"run.{status}")), status=status)
        yield from each(2, other, "is {status}, but that was not its last word")
    told = RunEvent.objects.order_by().values("run")
    ends = told.filter(kind__in=[f"run.{status}" for status in FINAL]).annotate(count=Count("pk"))
    yield from each(2, ends.filter(count__gt=1), "has told {count} ends")
    failures, replays = Count("pk", filter=Q(kind="run.failed")), Count("pk", filter=Q(kind="run.replayed"))
    failed = told.filter(kind__in=["run.failed", "run.replayed"]).annotate(failures=failures, replays=replays)
    is_failed = Case(When(run__status=RunStatus.FAILED, then=Value(1)), default=Value(0))
    uneven = failed.exclude(failures=F("replays") + is_failed)
    yield from each(2, uneven, "has told {failures} failures and {replays} replays")


def nothing_begun_is_left() -> Iterator[Breach]:
    """I5: a step in flight belongs to a run that is held, or was released and waits for its next holder."""
    begun = Step.objects.filter(status=StepStatus.STARTED).exclude(run__status__in=_MAY_HOLD_A_BEGUN_STEP)
    return each(5, begun, "is {run__status}, but step {seq} is still started")


def counters_within_bounds() -> Iterator[Breach]:
    """I16: no run exceeds the maximum of crashes or failed tries at one step."""
    yield from each(16, Run.objects.filter(crashes__gt=conf().crashes_max), "has crashed too often at one step")
    for job_type in job_types():
        tried = Run.objects.filter(job_type=job_type.name, attempts__gt=job_type.retry_policy.most_tries)
        yield from each(16, tried, "was tried too often at one step")


def one_body_for_each_key() -> Iterator[Breach]:
    """I19: a tenant's idempotency key belongs to one run, with the hash of its body."""
    keyed = Run.objects.filter(idempotency_key__isnull=False)
    yield from each(19, keyed.filter(body_hash=""), "was posted under a key, but its body is not known")
    twice = keyed.order_by().values("tenant", "idempotency_key").annotate(count=Count("pk")).filter(count__gt=1)
    for row in twice:
        yield Breach(19, "-", f"{row['count']} runs were posted under the key {row['idempotency_key']!r}")


def events_without_gaps() -> Iterator[Breach]:
    """I21: the events of a run are numbered from 1 without gaps, and the run has the newest number."""
    told = RunEvent.objects.order_by().values("run", "run__event_seq")
    counted = told.annotate(count=Count("pk"), first=Min("seq"), last=Max("seq"))
    uneven = counted.exclude(first=1, last=F("count"), run__event_seq=F("count"))
    yield from each(21, uneven, "{count} events from {first} to {last}, newest {run__event_seq}")
    yield from each(21, Run.objects.filter(event_seq=0), "has told nothing")


def one_tenant_each() -> Iterator[Breach]:
    """I23: a run, its actions, its lane and the runs it came from belong to one tenant."""
    tied = Run.objects.filter(
        ~Q(queue_lane__tenant=F("tenant"))
        | Q(continues__isnull=False) & ~Q(continues__tenant=F("tenant"))
        | Q(forked_from__isnull=False) & ~Q(forked_from__tenant=F("tenant"))
        | Q(parent__isnull=False) & ~Q(parent__tenant=F("tenant"))
    )
    yield from each(23, tied, "is tied to a row of another tenant")
    strange = PendingAction.objects.exclude(tenant=F("run__tenant"), step__run=F("run"))
    yield from each(23, strange, "action {pk} belongs to another tenant or run")


def lines_count_right() -> Iterator[Breach]:
    """I1: the counts of a lane match its runs; otherwise some would never be claimed."""
    for lane in QueueLane.objects.annotate(
        is_queued=Count("runs", filter=Q(runs__status=RunStatus.QUEUED, runs__hold_reason="")),
        is_running=Count("runs", filter=Q(runs__status=RunStatus.RUNNING)),
    ).exclude(queued=F("is_queued"), running=F("is_running")):
        yield Breach(1, "-", f"lane {lane} counts {lane.queued} queued and {lane.running} running")
