"""Back-pressure: at its ceiling a queue takes no new run, and says when it may; what was let in before goes on."""

from datetime import timedelta

import pytest

from runs import clock
from runs.errors import PermanentError, QueueFullError
from runs.maintenance.wake_timers import wake_timers
from runs.models import Ceiling, CircuitBreaker, QueueLane, Run
from runs.operations.accounts import make_member, make_tenant
from runs.operations.back_pressure import depth_of, forget_ceilings
from runs.operations.post_run import RunRequest, post_run
from runs.operations.replay_run import replay_run, retry_run
from tests.testapp.agents import FAIL

pytestmark = pytest.mark.django_db

INPUT = {"upto": 1}


@pytest.fixture
def ceiling():
    def ceiling(most, **columns):
        made = Ceiling.objects.create(queue="batch", most=most, **columns)
        forget_ceilings()  # as the console does
        return made

    return ceiling


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


def test_without_a_ceiling_everything_is_taken(square):
    fill(30, square)


def test_over_the_ceiling_a_post_is_refused_by_name_and_number(ceiling, square, work):
    ceiling(2)
    fill(2, square)

    with pytest.raises(QueueFullError, match="in the queue 'batch' 2 runs are waiting, and its ceiling is 2") as full:
        square()

    assert full.value.retry_after_s == 300, "nothing has started for a minute"
    work()
    square()


def test_another_queue_is_not_full(ceiling, square, post):
    ceiling(1)
    square()

    post("clerk")


def test_the_pause_is_estimated_from_the_starts_of_the_last_minute(ceiling, square, work):
    fill(6, square)
    work()
    ceiling(1)
    fill(1, square)

    with pytest.raises(QueueFullError) as full:
        square()

    assert full.value.retry_after_s == 10


def test_an_edit_holds_within_a_second(ceiling, square):
    row = ceiling(1)
    square()
    with pytest.raises(QueueFullError):
        square()

    Ceiling.objects.filter(pk=row.pk).update(most=2)
    clock.advance(1.1)
    square()
    Ceiling.objects.update(is_active=False)
    clock.advance(1.1)
    square()


def test_each_tenant_has_its_own_room(ceiling, square, square_elsewhere):
    ceiling(1, each_tenant=True)
    square()

    square_elsewhere()
    with pytest.raises(QueueFullError, match="of the tenant acme"):
        square()


def test_the_ceiling_of_one_tenant_stands_in_for_that_of_each(ceiling, square, square_elsewhere, tenant):
    ceiling(1, each_tenant=True)
    ceiling(3, tenant=tenant)
    fill(3, square)
    square_elsewhere()

    for one in (square, square_elsewhere):
        with pytest.raises(QueueFullError):
            one()


def test_all_together_are_held_by_the_ceiling_of_the_queue(ceiling, square, square_elsewhere, tenant):
    ceiling(2)
    ceiling(5, tenant=tenant)
    square(), square_elsewhere()

    with pytest.raises(QueueFullError, match="2 runs are waiting"):
        square()


def test_runs_that_an_open_circuit_holds_back_count_as_waiting(ceiling, square, tenant):
    run = square()
    breaker = CircuitBreaker.objects.create(provider="anthropic", model="m")
    Run.objects.filter(pk=run.pk).update(held_by=breaker)
    QueueLane.objects.update(queued=0)
    ceiling(1)

    with pytest.raises(QueueFullError):
        square()


def test_retries_replays_and_timers_are_let_in(ceiling, square, work, user):
    FAIL["square-1"] = [PermanentError("no")]
    failed = square()
    work()
    assert Run.objects.get(pk=failed.pk).status == "failed"
    square(scheduled_at=clock.now() + timedelta(seconds=5))
    ceiling(0)

    retry_run(failed, user=user)
    clock.advance(6)
    assert wake_timers() == 1
    work()
    assert set(Run.objects.values_list("status", flat=True)) == {"completed"}
    with pytest.raises(QueueFullError):
        square()


def test_a_replay_with_other_input_is_let_in(ceiling, square, work, user):
    FAIL["square-1"] = [PermanentError("no")]
    failed = square()
    work()
    ceiling(0)

    assert replay_run(failed.pk, user, new_input={"upto": 2})


def test_a_run_that_is_shared_needs_no_room(ceiling, post):
    first = post("scan", input={"document": "a"})
    ceiling(0)

    assert post("scan", input={"document": "a"}).pk == first.pk
    with pytest.raises(QueueFullError):
        post("scan", input={"document": "b"})


def test_who_would_replace_and_finds_no_room_has_cancelled_nobody(ceiling, post):
    first = post("scan", input={"document": "a"})
    ceiling(0)

    with pytest.raises(QueueFullError):
        post("scan", input={"document": "a"}, on_conflict="replace")

    assert Run.objects.get().status == "queued" and Run.objects.get().pk == first.pk


def test_looking_costs_one_query_of_a_few_lines(ceiling, square, django_assert_num_queries):
    ceiling(100)
    fill(20, square)
    depth_of("batch", None)

    with django_assert_num_queries(1):
        assert depth_of("batch", None) == 20
    forget_ceilings()
    with django_assert_num_queries(3):
        depth_of("batch", None)
