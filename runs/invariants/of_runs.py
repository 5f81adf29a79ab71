"""Invariants of runs: nobody is stuck, stories have one end, counts and tenants agree."""

from collections.abc import Iterator
from typing import Any

from django.db.models import Count, Exists, F, Max, Min, OuterRef, Q

from deadletters.models import DeadLetter
from deadletters.replay import LIVE
from runs.clock import in_seconds
from runs.conf import conf
from runs.invariants.breach import Breach
from runs.models import Line, PendingAction, Run, RunEvent
from runs.states import ENDED, ActionStatus, RunStatus


def nobody_is_stuck() -> Iterator[Breach]:
    """I1: a run that has not ended has a live lease, a future timer, an open action, or is queued."""
    late: Any = in_seconds(-conf().lease_s - 2 * conf().sweep_s)
    open_action = PendingAction.objects.filter(run=OuterRef("pk"), status=ActionStatus.OPEN)
    for run in Run.objects.filter(status=RunStatus.RUNNING, lease_expires_at__lt=late):
        yield Breach(1, str(run.pk), f"is running, but its lease ended at {run.lease_expires_at}")
    for run in Run.objects.filter(status__in=[RunStatus.SCHEDULED, RunStatus.RETRYING], next_attempt_at__lt=late):
        yield Breach(1, str(run.pk), f"is {run.status}, but was due at {run.next_attempt_at}")
    waiting = Run.objects.filter(status=RunStatus.WAITING_FOR_CONFIRMATION)
    for run in waiting.filter(~Exists(open_action)):
        yield Breach(1, str(run.pk), "waits for a decision, but no action is open")


def one_end_each() -> Iterator[Breach]:
    """I2: an ended run has told its end; a completed or cancelled one exactly once, as its last word."""
    ends = [f"run.{status}" for status in (RunStatus.COMPLETED, RunStatus.CANCELLED)]
    for run in Run.objects.filter(status__in=[RunStatus.COMPLETED, RunStatus.CANCELLED]).annotate(
        told=Count("events", filter=Q(events__kind__in=ends))
    ):
        if run.told != 1:
            yield Breach(2, str(run.pk), f"is {run.status} and has told {run.told} ends")


def events_without_gaps() -> Iterator[Breach]:
    """I21: the events of a run are numbered from 1 without gaps, and the run knows the newest."""
    for row in RunEvent.objects.values("run", "run__event_seq").annotate(
        count=Count("pk"), first=Min("seq"), last=Max("seq")
    ):
        if row["first"] != 1 or not row["count"] == row["last"] == row["run__event_seq"]:
            numbers = f"{row['count']} events from {row['first']} to {row['last']}, newest {row['run__event_seq']}"
            yield Breach(21, str(row["run"]), numbers)


def dead_letters_agree() -> Iterator[Breach]:
    """I22: a failed run has a dead letter, and only a failed run has a live one."""
    letters = DeadLetter.objects.filter(run_id=OuterRef("pk"))
    for run in Run.objects.filter(~Exists(letters), status=RunStatus.FAILED):
        yield Breach(22, str(run.pk), "has failed without a dead letter")
    live = letters.filter(status__in=LIVE)
    for run in Run.objects.filter(Exists(live)).exclude(status=RunStatus.FAILED):
        yield Breach(22, str(run.pk), f"is {run.status}, but its dead letter is live")


def one_tenant_each() -> Iterator[Breach]:
    """I23: a run, its actions, its line and the runs it came from belong to one tenant."""
    for run in Run.objects.filter(
        ~Q(line__tenant=F("tenant"))
        | Q(continues__isnull=False) & ~Q(continues__tenant=F("tenant"))
        | Q(forked_from__isnull=False) & ~Q(forked_from__tenant=F("tenant"))
        | Q(parent__isnull=False) & ~Q(parent__tenant=F("tenant"))
    ):
        yield Breach(23, str(run.pk), "is tied to a row of another tenant")
    for action in PendingAction.objects.exclude(tenant=F("run__tenant")):
        yield Breach(23, str(action.run_id), f"action {action.pk} belongs to another tenant")


def counters_within_bounds() -> Iterator[Breach]:
    """I16: no run has crashed more often at one step than it may."""
    for run in Run.objects.filter(crashes__gt=conf().crashes_max):
        yield Breach(16, str(run.pk), f"has crashed {run.crashes} times at one step")


def lines_count_right() -> Iterator[Breach]:
    """I1: the counts of a waiting line are those of its runs, or some would never be claimed."""
    for line in Line.objects.annotate(
        is_queued=Count("runs", filter=Q(runs__status=RunStatus.QUEUED, runs__alone=False)),
        is_running=Count("runs", filter=Q(runs__status=RunStatus.RUNNING)),
    ).exclude(queued=F("is_queued"), running=F("is_running")):
        yield Breach(1, "-", f"line {line} counts {line.queued} queued and {line.running} running")


def nothing_begun_is_left() -> Iterator[Breach]:
    """I5: a run that has ended has no step in flight."""
    for run in Run.objects.filter(status__in=ENDED, steps__status="started").distinct():
        yield Breach(5, str(run.pk), f"is {run.status}, but a step is still started")


CHECKS = (
    nobody_is_stuck,
    one_end_each,
    nothing_begun_is_left,
    counters_within_bounds,
    events_without_gaps,
    dead_letters_agree,
    one_tenant_each,
    lines_count_right,
)
