"""Back-pressure: at a backlog limit a queue takes no new run, and says when it may; what was let in before goes on."""

from datetime import timedelta

import pytest

from runs import clock
from runs.engine.limits.rules import forget_rules
from runs.errors import PermanentError, QueueFullError
from runs.maintenance.wake_timers import wake_timers
from runs.models import CircuitBreaker, Limit, QueueLane, Run
from runs.operations.accounts import make_member, make_tenant
from runs.operations.backlog import depth_of
from runs.operations.post_run import RunRequest, post_run
from runs.operations.replay_run import replay_run, retry_run
from tests.testapp.agents import FAIL

pytestmark = pytest.mark.django_db

INPUT = {"upto": 1}


@pytest.fixture
def backlog_limit():
    def backlog_limit(most, **columns):
        made = Limit.objects.create(kind="backlog", queue="batch", most=most, **columns)
        forget_rules()  # as the console does
        return made

    return backlog_limit


@pytest.fixture
def square(post):
    return lambda **request: post("squares", input=INPUT, **request)


@pytest.fixture
def square_elsewhere(db):
    other = make_tenant("globex")
    user = make_member(other, None)
    return lambda: post_run(RunRequest("squares", INPUT), tenant=other, user=user, origin="test")


def fill(most, square):
    for _ in range(most):
        square()


def test_without_a_limit_everything_is_taken(square):
    fill(30, square)


def test_over_the_limit_a_post_is_refused_by_name_and_number(backlog_limit, square, work):
    backlog_limit(2)
    fill(2, square)

    with pytest.raises(QueueFullError, match="in the queue 'batch' 2 runs are waiting, and its ceiling is 2") as full:
        square()

    assert full.value.retry_after_s == 300, "nothing has started for a minute"
    work()
    square()


def test_another_queue_is_not_full(backlog_limit, square, post):
    backlog_limit(1)
    square()

    post("clerk")


def test_the_pause_is_estimated_from_the_starts_of_the_last_minute(backlog_limit, square, work):
    fill(6, square)
    work()
    backlog_limit(1)
    fill(1, square)

    with pytest.raises(QueueFullError) as full:
        square()

    assert full.value.retry_after_s == 10


def test_an_edit_holds_within_a_second(backlog_limit, square):
    row = backlog_limit(1)
    square()
    with pytest.raises(QueueFullError):
        square()

    Limit.objects.filter(pk=row.pk).update(most=2)
    clock.advance(1.1)
    square()
    Limit.objects.update(is_active=False)
    clock.advance(1.1)
    square()


def test_each_tenant_has_its_own_room(backlog_limit, square, square_elsewhere):
    backlog_limit(1, each_tenant=True)
    square()

    square_elsewhere()
    with pytest.raises(QueueFullError, match="of the tenant acme"):
        square()


def test_the_limit_of_one_tenant_stands_in_for_that_of_each(backlog_limit, square, square_elsewhere, tenant):
    backlog_limit(1, each_tenant=True)
    backlog_limit(3, tenant=tenant)
    fill(3, square)
    square_elsewhere()

    for one in (square, square_elsewhere):
        with pytest.raises(QueueFullError):
            one()


def test_all_together_are_held_by_the_limit_of_the_queue(backlog_limit, square, square_elsewhere, tenant):
    backlog_limit(2)
    backlog_limit(5, tenant=tenant)
    square(), square_elsewhere()

    with pytest.raises(QueueFullError, match="2 runs are waiting"):
        square()


def test_runs_that_an_open_circuit_holds_back_count_as_waiting(backlog_limit, square, tenant):
    run = square()
    breaker = CircuitBreaker.objects.create(provider="anthropic", model="m")
    Run.objects.filter(pk=run.pk).update(hold_reason="circuit", circuit_breaker=breaker)
    QueueLane.objects.update(queued=0)
    backlog_limit(1)

    with pytest.raises(QueueFullError):
        square()


def test_retries_replays_and_timers_are_let_in(backlog_limit, square, work, user):
    FAIL["square-1"] = [PermanentError("no")]
    failed = square()
    work()
    assert Run.objects.get(pk=failed.pk).status == "failed"
    square(scheduled_at=clock.now() + timedelta(seconds=5))
    backlog_limit(0)

    retry_run(failed, user=user)
    clock.advance(6)
    assert wake_timers() == 1
    work()
    assert set(Run.objects.values_list("status", flat=True)) == {"completed"}
    with pytest.raises(QueueFullError):
        square()


def test_a_replay_with_other_input_is_let_in(backlog_limit, square, work, user):
    FAIL["square-1"] = [PermanentError("no")]
    failed = square()
    work()
    backlog_limit(0)

    assert replay_run(failed.pk, user, new_input={"upto": 2})


def test_a_run_that_is_shared_needs_no_room(backlog_limit, post):
    first = post("scan", input={"document": "a"})
    backlog_limit(0)

    assert post("scan", input={"document": "a"}).pk == first.pk
    with pytest.raises(QueueFullError):
        post("scan", input={"document": "b"})


def test_who_would_replace_and_finds_no_room_has_cancelled_nobody(backlog_limit, post):
    first = post("scan", input={"document": "a"})
    backlog_limit(0)

    with pytest.raises(QueueFullError):
        post("scan", input={"document": "a"}, on_conflict="replace")

    assert Run.objects.get().status == "queued" and Run.objects.get().pk == first.pk


def test_looking_costs_one_query_of_a_few_lines(backlog_limit, square, django_assert_num_queries):
    backlog_limit(100)
    fill(20, square)
    depth_of("batch", None)

    with django_assert_num_queries(1):
        assert depth_of("batch", None) == 20
    clock.advance(1.1)
    with django_assert_num_queries(2):
        depth_of("batch", None)
