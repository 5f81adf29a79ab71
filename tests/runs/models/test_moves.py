"""A run changes by compare-and-set, and events and counts change with it or not at all."""

from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runs import clock
from runs.engine.sleep import wake
from runs.errors import InvalidTransitionError, StaleRunError
from runs.models import CircuitBreaker, QueueLane, Run, moves
from runs.models.moves import Event, Guard, transition
from runs.queue.claim import claim_next, claim_quarantined
from runs.states import MOVES, RunStatus

pytestmark = pytest.mark.django_db


def claim():
    return claim_next(["agents"], worker_id=uuid4(), worker_name="w")


def test_a_move_that_the_table_does_not_have_is_refused(post):
    run = post("clerk")

    with pytest.raises(InvalidTransitionError):
        transition(run, to=RunStatus.COMPLETED)


@pytest.mark.fault(13)
def test_a_stale_worker_cannot_settle_a_run_claimed_again(post):
    run = post("clerk")
    stale, lease = claim()
    transition(Run.objects.get(pk=run.pk), to=RunStatus.QUEUED)
    claim()

    with pytest.raises(StaleRunError):
        transition(stale, to=RunStatus.COMPLETED, only=Guard(fence=lease.fence), output="late")

    run.refresh_from_db()
    assert (run.status, run.output, run.fence) == ("running", None, 2)


def test_events_are_numbered_without_gaps_and_not_told_when_the_move_fails(post):
    run = post("clerk")
    stale = Run.objects.get(pk=run.pk)
    transition(run, to=RunStatus.CANCELLED, events=[Event("run.cancelled"), Event("extra")])

    with pytest.raises(StaleRunError):
        transition(stale, to=RunStatus.CANCELLED, events=[Event("run.cancelled")])

    assert list(run.events.values_list("seq", "kind")) == [(1, "run.queued"), (2, "run.cancelled"), (3, "extra")]


def test_a_run_that_may_be_claimed_is_announced_by_the_move_itself(post, monkeypatch):
    announced = []
    monkeypatch.setattr(moves, "_listeners", [announced.append])
    breaker = CircuitBreaker.objects.create(
        provider="anthropic", model="m", open_reason="circuit", open_until=clock.now()
    )

    post("clerk")
    run, _ = claim()
    transition(run, to=RunStatus.QUEUED, hold_reason="circuit", circuit_breaker_id=breaker.pk)
    assert announced == ["agents"]

    transition(run, events=[Event("looked.at")])
    assert announced == ["agents"]

    transition(run, hold_reason="", circuit_breaker_id=None)
    assert announced == ["agents", "agents"]


def test_a_run_one_crash_before_its_last_is_in_quarantine_whenever_it_is_queued(post):
    breaker = CircuitBreaker.objects.create(
        provider="anthropic", model="m", open_reason="circuit", open_until=clock.now()
    )
    post("clerk")
    run, _ = claim()
    transition(run, to=RunStatus.QUEUED, crashes=2)
    assert run.hold_reason == "quarantine" and claim() is None
    claimed, _ = claim_quarantined(["agents"], worker_id=uuid4(), worker_name="w")
    assert claimed.hold_reason == "", "only a queued run is held"

    transition(claimed, to=RunStatus.QUEUED, hold_reason="circuit", circuit_breaker_id=breaker.pk)
    wake(claimed)

    assert (claimed.hold_reason, claimed.circuit_breaker_id) == ("quarantine", None)


@pytest.mark.parametrize(
    "columns",
    [{"status": "cancelled", "finished_at": clock.Now(), "hold_reason": "quarantine"}, {"hold_reason": "circuit"}],
    ids=["held though it is not queued", "held by no breaker"],
)
def test_the_database_refuses_a_hold_that_cannot_be(post, columns):
    run = post("clerk")

    with pytest.raises(IntegrityError), transaction.atomic():
        Run.objects.filter(pk=run.pk).update(**columns)


def test_the_database_refuses_an_unknown_status(post):
    run = post("clerk")

    with pytest.raises(IntegrityError), transaction.atomic():
        Run.objects.filter(pk=run.pk).update(status="needs_human")


@pytest.mark.parametrize("columns", [{"status": "completed"}, {"lease_expires_at": "2030-01-01T00:00:00Z"}])
def test_the_database_refuses_columns_that_do_not_fit_the_status(post, columns):
    run = post("clerk")

    with pytest.raises(IntegrityError), transaction.atomic():
        Run.objects.filter(pk=run.pk).update(**columns)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(choices=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 20)), max_size=30))
def test_the_counts_of_a_line_agree_with_its_runs_after_any_moves(post, choices):
    Run.objects.all().delete()
    QueueLane.objects.all().update(queued=0, running=0)
    runs = [post("clerk") for _ in range(4)]

    for which, number in choices:
        run = runs[which]
        following = sorted(MOVES[run.state])
        if following:
            extra = {"next_attempt_at": run.created_at, "lease_expires_at": run.created_at}
            to = following[number % len(following)]
            if to != RunStatus.RUNNING:
                del extra["lease_expires_at"]
            if to not in (RunStatus.SCHEDULED, RunStatus.RETRYING):
                del extra["next_attempt_at"]
            transition(run, to=to, **extra)

    lane = QueueLane.objects.get(pk=runs[0].queue_lane_id)
    assert lane.queued == Run.objects.filter(queue_lane=lane, status="queued").count()
    assert lane.running == Run.objects.filter(queue_lane=lane, status="running").count()


def test_a_change_that_keeps_the_status_does_not_name_it(post):
    run = post("clerk")
    claimed, _ = claim()

    with CaptureQueriesContext(connection) as queries:
        transition(claimed, progress_percent=50)

    updates = [query["sql"] for query in queries if 'UPDATE "runs_run"' in query["sql"]]
    assert len(updates) == 1
    assert '"status" =' not in updates[0].split("WHERE")[0], "SQLite would write two indexes"
    run.refresh_from_db()
    assert run.progress_percent == 50
