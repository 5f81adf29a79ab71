"""Many claimers at the same moment."""

from collections import Counter
from uuid import uuid4

import pytest

from runs.models import QueueLane, Run, RunEvent
from runs.models.moves import transition
from runs.operations.accounts import make_member, make_tenant
from runs.operations.post_run import RunRequest, post_run
from runs.queue.claim import claim_next
from runs.states import RunStatus
from tests.at_once import at_once
from tests.runs.queue.backlog import fill

pytestmark = pytest.mark.django_db(transaction=True)

CLAIMERS, RUNS, TENANTS = 32, 200, 4


def post_many():
    for number in range(TENANTS):
        tenant = make_tenant(f"t{number}")
        user = make_member(tenant, None)
        for _ in range(RUNS // TENANTS):
            post_run(RunRequest("clerk", {"text": "x"}), tenant=tenant, user=user, origin="test")


def claim_until_none(number):
    """Claim like a slot: when others stand in the way for a moment, look again."""
    mine = []
    while Run.objects.filter(status="queued").exists():
        if claimed := claim_next(["agents"], worker_id=uuid4(), worker_name=f"w{number}"):
            mine.append(claimed[0].pk)
    return mine


@pytest.mark.fault(9)
def test_thirty_two_claimers_take_each_of_two_hundred_runs_once():
    post_many()

    taken = [pk for mine in at_once(CLAIMERS, claim_until_none) for pk in mine]

    assert len(taken) == len(set(taken)) == RUNS
    assert set(Run.objects.values_list("status", "fence")) == {("running", 1)}
    assert Counter(RunEvent.objects.filter(kind="run.claimed").values_list("run", flat=True)).most_common(1)[0][1] == 1
    assert set(QueueLane.objects.values_list("queued", "running")) == {(0, RUNS // TENANTS)}


def test_slots_that_claim_end_and_post_in_the_lines_of_one_tenant_never_wait_in_a_circle():
    job_types = ("clerk", "cashier", "hasty")  # three lines, each claim moves them all
    for job_type in job_types:
        fill("t", 20, job_type=job_type)
    tenant = make_tenant("t")
    user = make_member(tenant, None)

    def work(number):
        for again in (*job_types, "", "", ""):
            if claimed := claim_next(["agents"], worker_id=uuid4(), worker_name=f"w{number}"):
                transition(claimed[0], to=RunStatus.CANCELLED)
            if again:
                post_run(RunRequest(again, {"text": "x"}), tenant=tenant, user=user, origin="test")

    assert at_once(12, work) == [None] * 12
    counted = {lane.pk: (lane.runs.filter(status="queued").count(), 0) for lane in QueueLane.objects.all()}
    assert {lane.pk: (lane.queued, lane.running) for lane in QueueLane.objects.all()} == counted
