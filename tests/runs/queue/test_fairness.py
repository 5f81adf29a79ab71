"""Nobody starves: neither a small tenant behind a large one, nor the patient behind the urgent, nor the other way."""

from uuid import uuid4

import pytest

from runs import clock
from runs.models import Run
from runs.models.moves import transition
from runs.operations.accounts import make_member, make_tenant
from runs.operations.post_run import RunRequest, post_run
from runs.queue.claim import claim_next
from runs.states import RunStatus
from tests.runs.queue.backlog import fill

pytestmark = pytest.mark.django_db


def post_for(slug, **more):
    tenant = make_tenant(slug)
    request = RunRequest(job_type="clerk", input={"text": "x"}, **more)
    return post_run(request, tenant=tenant, user=make_member(tenant, None), origin="test")[0]


def claim():
    claimed = claim_next(["agents"], worker_id=uuid4(), worker_name="w")
    return claimed and claimed[0]


def end(run):
    transition(run, to=RunStatus.COMPLETED)


def test_a_single_run_starts_as_the_next_slot_frees_though_another_tenant_has_five_thousand():
    fill("big", 5_000)
    running = [claim() for _ in range(8)]  # all slots are busy with the large one
    single = post_for("small")

    end(running[0])

    assert claim().pk == single.pk


def test_an_urgent_run_passes_ten_thousand_others():
    fill("batch", 10_000, priority=1, since_s=300)
    urgent = post_for("batch", priority=9)

    assert claim().pk == urgent.pk


def test_the_patient_still_finish_under_a_steady_stream_of_urgent_ones():
    fill("batch", 40, job_type="single", priority=1, since_s=60)
    patient = set(Run.objects.values_list("pk", flat=True))

    for _ in range(120):  # each ten seconds an urgent run comes, and one slot is free
        post_for("desk", priority=9)
        clock.advance(10)
        end(claim())

    # Eight levels of priority are worth eight minutes each time, even when the urgent ones want every slot.
    assert Run.objects.filter(pk__in=patient, status="completed").count() >= 2


def turns(count):
    got = []
    for _ in range(count):
        run = claim()
        got.append((run.tenant.slug, run.job_type))
        end(run)
    return got


def test_tenants_take_turns_however_many_job_types_they_wait_with():
    for job_type in ("clerk", "single", "cashier"):
        fill("many", 30, job_type=job_type)
    fill("one", 30)

    got = turns(40)

    assert [slug for slug, _ in got].count("one") in (18, 19, 20)
    assert {slug for slug, _ in got[-2:]} == {"many", "one"}


def test_the_job_types_of_a_tenant_take_turns_too():
    for job_type in ("clerk", "single", "cashier"):
        fill("many", 30, job_type=job_type)

    got = [job_type for _, job_type in turns(30)]

    assert {len(set(got[place : place + 3])) for place in range(0, 30, 3)} == {3}, "however fast the turns are"
