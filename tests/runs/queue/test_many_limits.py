"""Limits of many tenants: a claim asks the database as often as for a few, and no statement grows too deep."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext

from runs import clock
from runs.engine.limits.rules import forget_rules
from runs.models import Limit, QueueLane, Run, Tenant
from runs.operations.accounts import make_member, make_tenant
from runs.operations.limits import set_limit
from runs.operations.post_run import RunRequest, post_run
from runs.operations.why import why
from runs.queue.claim import claim_next
from runs.states import RunStatus

pytestmark = pytest.mark.django_db

DEEP = 1100  # SQLite refuses expressions deeper than 1000


@pytest.fixture
def root(db):
    return get_user_model().objects.create_superuser("root", password="pw")


def claim():
    claimed = claim_next(["agents"], worker_id=uuid4(), worker_name="w")
    return claimed and claimed[0]


def post_for(tenant):
    request = RunRequest(job_type="clerk", input={"text": "x"})
    return post_run(request, tenant=tenant, user=make_member(tenant, None), origin="test")[0]


def tenants_with_starts(count):
    """So many tenants, each with one run that started just now, the first before the others."""
    now, user = clock.now(), make_member(make_tenant("base"), None)
    tenants = Tenant.objects.bulk_create([Tenant(slug=f"t{number}") for number in range(count)])
    lanes = QueueLane.objects.bulk_create(
        [
            QueueLane(queue="agents", tenant=tenant, job_type="clerk", turn_ended_at=now.timestamp())
            for tenant in tenants
        ]
    )
    times = [now - timedelta(seconds=10 * (count - number) / count) for number in range(count)]
    Run.objects.bulk_create(
        [
            Run(
                tenant=tenant, job_type="clerk", queue="agents", queue_lane=lane, priority=5,
                status=RunStatus.COMPLETED, input={}, requested_by=user, timeout_s=600, event_seq=1, rank=0,
                created_at=at, started_at=at, finished_at=at,
            )
            for tenant, lane, at in zip(tenants, lanes, times, strict=True)
        ],
        batch_size=500,
    )  # fmt: skip
    return tenants


def queries_of_a_claim():
    forget_rules()
    with CaptureQueriesContext(connection) as seen:
        assert claim()
    return len(seen)


def test_a_claim_asks_as_often_however_many_tenants_have_used_up_their_rate(root):
    set_limit(Limit(queue="agents", most=1, kind="rate", per_s=60, each_tenant=True), user=root)
    post_for(make_tenant("free")), post_for(make_tenant("other"))
    of_none = queries_of_a_claim()
    held = post_for(tenants_with_starts(DEEP)[0])

    assert queries_of_a_claim() == of_none
    assert claim() is None and held.state == RunStatus.QUEUED


def test_a_claim_asks_as_often_however_many_tenants_have_a_limit_of_their_own(root):
    tenants = tenants_with_starts(DEEP)
    post_for(make_tenant("free")), post_for(make_tenant("other")), post_for(tenants[-1])
    Limit.objects.create(kind="rate", most=1, queue="agents", tenant=tenants[0])
    Limit.objects.create(kind="concurrency", most=0, queue="agents", tenant=tenants[0])
    of_one = queries_of_a_claim()
    for kind, most in (("rate", 1), ("concurrency", 0)):
        Limit.objects.bulk_create([Limit(kind=kind, most=most, queue="agents", tenant=t) for t in tenants[1:]])

    assert queries_of_a_claim() == of_one
    assert claim() is None, "the one that is left has used up its rate"


def test_many_limits_of_a_job_type_stand_in_for_its_declared_cap(root):
    tenants = tenants_with_starts(DEEP)
    Limit.objects.bulk_create([Limit(most=5, job_type="clerk", tenant=tenant) for tenant in tenants])
    forget_rules()
    run = post_for(make_tenant("free"))

    assert claim().pk == run.pk


def test_each_tenant_is_told_until_when_its_own_rate_is_used_up(root):
    tenants = tenants_with_starts(3)
    set_limit(Limit(queue="agents", most=1, kind="rate", per_s=60, each_tenant=True), user=root)
    waiting = [post_for(tenant) for tenant in tenants]

    untils = [next(reason.until for reason in why(run) if reason.code == "rate") for run in waiting]

    started = Run.objects.filter(status=RunStatus.COMPLETED).order_by("started_at")
    assert untils == [run.started_at + timedelta(seconds=60) for run in started]
