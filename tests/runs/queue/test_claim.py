"""Who is claimed next: priority with ageing, tenants in turn, caps never exceeded."""

import threading
from uuid import uuid4

import pytest
from django.db import connection

from runs.models import QueueLane, Run
from runs.operations.accounts import make_member, make_tenant
from runs.operations.post_run import RunRequest, post_run
from runs.queue.claim import claim_next

pytestmark = pytest.mark.django_db


def claim(*queues):
    claimed = claim_next(queues or ["agents"], worker_id=uuid4(), worker_name="w")
    return claimed and claimed[0]


def post_for(slug, job_type="clerk", **more):
    tenant = make_tenant(slug)
    request = RunRequest(job_type=job_type, input={"text": "x"}, **more)
    return post_run(request, tenant=tenant, user=make_member(tenant, None), origin="test")[0]


def test_an_empty_queue_claims_nothing():
    assert claim() is None


def test_a_claim_raises_the_fence_and_sets_a_lease_of_the_databases_clock(post):
    run = post("clerk")

    claimed = claim()

    run.refresh_from_db()
    assert claimed.pk == run.pk
    assert (run.status, run.fence) == ("running", 1)
    assert 7 < (run.lease_expires_at - run.started_at).total_seconds() <= 8


def test_the_older_run_goes_first_and_a_higher_priority_before_it(post):
    first, second, urgent = post("clerk"), post("clerk"), post("clerk", priority=9)

    assert [claim().pk for _ in range(3)] == [urgent.pk, first.pk, second.pk]


def test_a_run_that_has_waited_long_overtakes_a_newer_one_of_higher_priority(post):
    old = post("clerk", priority=4)
    Run.objects.filter(pk=old.pk).update(rank=old.rank - 120)
    post("clerk", priority=5)

    assert claim().pk == old.pk


def test_tenants_take_turns_however_long_one_line_is():
    for _ in range(5):
        post_for("big")
    small = post_for("small")

    claimed = [claim() for _ in range(3)]

    assert small.pk in [run.pk for run in claimed[:2]]


def test_a_cap_for_each_tenant_holds_back_its_second_run_only():
    first, second = post_for("a", "single"), post_for("a", "single")
    other = post_for("b", "single")

    assert {claim().pk, claim().pk} == {first.pk, other.pk}
    assert claim() is None
    second.refresh_from_db()
    assert second.status == "queued"


def test_queues_are_served_in_the_order_given(post):
    agent, job = post("clerk"), post("squares", input={"upto": 1})

    assert claim("batch", "agents").pk == job.pk
    assert claim("batch", "agents").pk == agent.pk
    assert claim("realtime") is None


def test_a_line_whose_counts_are_wrong_is_put_right_by_the_claim_that_notices(post):
    run = post("clerk")
    QueueLane.objects.update(queued=7)
    claim()

    assert claim() is None
    lane = QueueLane.objects.get(pk=run.queue_lane_id)
    assert (lane.queued, lane.running) == (0, 1)


@pytest.mark.django_db(transaction=True)
def test_many_claimers_at_once_never_exceed_a_cap_and_claim_each_run_once():
    for slug in ("a", "b", "c"):
        for _ in range(6):
            post_for(slug, "single")
            post_for(slug, "clerk")
    claimed, lock, barrier = [], threading.Lock(), threading.Barrier(8)

    def work():
        barrier.wait()
        misses = 0
        while misses < 3:
            run = claim()
            if run:
                with lock:
                    claimed.append(run)
            misses = 0 if run else misses + 1
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    ids = [run.pk for run in claimed]
    assert len(ids) == len(set(ids)) == 18 + 3
    assert sum(run.job_type == "single" for run in claimed) == 3
