"""Many posts of the same key at the same moment: the lock lets one run through, on every database."""

from uuid import uuid4

import pytest

from runs.engine.advance import advance
from runs.errors import InvalidTransitionError
from runs.invariants.every import breaches
from runs.maintenance.wake_timers import wake_timers
from runs.models import Run, RunLock
from runs.operations.post_run import Intake, RunRequest, post
from runs.queue.claim import claim_next
from runs.states import ENDED
from tests.at_once import at_once
from tests.testapp.agents import CALLS, MEANWHILE

pytestmark = pytest.mark.django_db(transaction=True)

POSTERS = 50


@pytest.fixture(autouse=True)
def _sound():
    CALLS.clear(), MEANWHILE.clear()
    yield
    assert [str(breach) for breach in breaches(look_again_after_s=0)] == []


@pytest.fixture
def scan(tenant, user):
    def scan(policy="discard", job_type="scan"):
        request = RunRequest(job_type, {"document": "a"}, on_conflict=policy)
        return post(request, Intake(tenant=tenant, user=user, origin="test"))

    return scan


@pytest.mark.parametrize("policy", ["discard", "join"])
def test_fifty_clicks_are_one_run(scan, policy):
    posted = at_once(POSTERS, lambda _: scan(policy))

    assert sorted(one.is_new for one in posted) == [False] * (POSTERS - 1) + [True]
    assert {one.run.pk for one in posted} == {Run.objects.get().pk}


def test_fifty_clicks_within_the_window_of_one_that_just_ends_are_that_one(scan):
    first = scan(job_type="scan_once")

    def click_or_work(number):
        if number:
            return scan(job_type="scan_once")
        return advance(*claim_next(["batch"], worker_id=uuid4(), worker_name="w"))

    posted = at_once(20, click_or_work)[1:]

    assert {one.run.pk for one in posted} == {first.run.pk} and Run.objects.get().status == "completed"


@pytest.mark.parametrize("policy", ["replace", "interrupt"])
def test_of_many_that_displace_each_other_one_is_left(scan, policy):
    scan()

    posted = at_once(20, lambda _: scan(policy))

    assert all(one.is_new for one in posted), posted
    left = Run.objects.exclude(status__in=ENDED).get()
    assert left.status == "queued" and RunLock.objects.get().holder == left.pk
    assert Run.objects.filter(status="cancelled").count() == 20


def test_posts_that_displace_and_a_worker_that_ends_never_strand_anybody(scan):
    """Whoever comes first, holder and successor are handed on, and the last post is done."""
    for policy in ("replace", "discard", "interrupt") * 4:
        scan("replace")
        claimed = claim_next(["batch"], worker_id=uuid4(), worker_name="w")

        def end_or_post(number, claimed=claimed, policy=policy):
            return advance(*claimed) if number == 0 else scan(policy)

        results = at_once(4, end_or_post)
        strange = [one for one in results if isinstance(one, Exception)]
        assert [one for one in strange if not isinstance(one, InvalidTransitionError)] == []
        wake_timers()
        while claimed := claim_next(["batch"], worker_id=uuid4(), worker_name="w"):
            advance(*claimed)
            wake_timers()
        assert not Run.objects.exclude(status__in=ENDED).exists()
        assert RunLock.objects.get().holder is None


def test_no_two_runs_of_a_key_ever_work_together(scan):
    seen = []

    def work(number):
        if number < 8:
            return [scan(policy) for policy in ("replace", "discard", "interrupt", "join")]
        for _ in range(40):
            wake_timers()
            if claimed := claim_next(["batch"], worker_id=uuid4(), worker_name=f"w{number}"):
                seen.append(Run.objects.filter(status="running").count())
                advance(*claimed)
        return None

    at_once(12, work)

    assert seen and set(seen) <= {0, 1}
