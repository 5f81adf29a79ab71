"""Whatever clients choose, tenants take turns: each with work is served within as many claims as there are tenants."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runs import clock
from runs.maintenance.wake_timers import wake_timers
from runs.models import QueueLane, Run, Tenant
from runs.models.moves import transition
from runs.operations.accounts import make_member, make_tenant
from runs.operations.post_run import RunRequest, post_run
from runs.queue.claim import claim_next, claim_quarantined
from runs.states import RunStatus
from tests.runs.admin.rows import make_user

pytestmark = pytest.mark.django_db

JOB_TYPES = ("clerk", "cashier", "teller", "closer", "talker", "hasty", "thrifty", "judge")
POLICIES = (None, "queue", "discard", "join", "replace", "interrupt")


def post_for(tenant, *, number=0, **request):
    given = RunRequest(**{"job_type": "clerk", "input": {"text": f"run {number}"}, **request})
    return post_run(given, tenant=tenant, user=make_member(tenant, None), origin="test")[0]


def claim():
    claimed = claim_next(["agents"], worker_id=uuid4(), worker_name="w")
    return claimed and claimed[0]


chosen = st.fixed_dictionaries(
    {
        "job_type": st.sampled_from(JOB_TYPES),
        "priority": st.integers(0, 9),
        "on_conflict": st.sampled_from(POLICIES),
        "lane": st.sampled_from([None, "standard", "batch"]),
        "scheduled_at": st.none() | st.sampled_from([-(10**8), -3600, -1]),  # seconds from now
        "timeout_s": st.none() | st.floats(1, 9999),
    }
)
deeds = st.one_of(
    st.tuples(st.just("post"), st.integers(0, 3), chosen),
    st.tuples(st.just("flood"), st.integers(0, 3), chosen),
    st.tuples(st.just("claim"), st.integers(1, 8), st.booleans()),
    st.tuples(st.just("pass"), st.sampled_from([0.01, 1, 70, 4000]), st.none()),
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(deeds, min_size=5, max_size=40))
def test_a_tenant_with_work_is_served_within_as_many_claims_as_there_are_tenants(db, deeds):
    with transaction.atomic():
        tenants = [make_tenant(f"tenant-{number}") for number in range(4)]
        passed_over = {tenant.pk: 0 for tenant in tenants}
        for number, (deed, what, more) in enumerate(deeds):
            if deed in ("post", "flood"):
                ago = more["scheduled_at"]
                when = None if ago is None else clock.now() + timedelta(seconds=ago)
                for copy in range(1 if deed == "post" else 6):
                    post_for(tenants[what], number=10 * number + copy, **more | {"scheduled_at": when})
            elif deed == "pass":
                clock.advance(what)
            else:
                claim_in_turn(passed_over, what, ends=more)
        transaction.set_rollback(True)
    clock.reset()


def claim_in_turn(passed_over, times, *, ends):
    for _ in range(times):
        waiting = set(QueueLane.objects.filter(queue="agents", queued__gt=0).values_list("tenant", flat=True))
        run = claim()
        assert (run is None) == (not waiting)
        for tenant in passed_over:
            passed_over[tenant] = passed_over[tenant] + 1 if run and tenant in waiting - {run.tenant_id} else 0
        assert max(passed_over.values()) < len(passed_over), "somebody was passed over by all others, and once more"
        if run and ends:
            transition(run, to=RunStatus.COMPLETED)


def test_the_highest_priority_does_not_pass_another_tenant():
    loud, quiet = make_tenant("loud"), make_tenant("quiet")
    for number in range(20):
        post_for(loud, number=number, priority=9)
    post_for(quiet, priority=0)

    assert "quiet" in {claim().tenant.slug for _ in range(2)}


def test_priority_ranks_the_job_types_of_a_tenant():
    acme = make_tenant("acme")
    claimed = []
    post_for(acme, job_type="cashier", priority=1)
    for number in range(3):
        post_for(acme, number=number, job_type="clerk", priority=9)
    for _ in range(4):
        claimed.append(claim().priority)

    assert claimed == [9, 9, 9, 1]


def test_low_priority_within_a_tenant_is_not_starved_by_its_other_job_types():
    acme = make_tenant("acme")
    patient = post_for(acme, job_type="cashier", priority=1)
    served = None
    for number in range(12):  # an urgent one each minute, and one slot
        post_for(acme, number=number, job_type="clerk", priority=9)
        clock.advance(60)
        served = claim()
        if served.pk == patient.pk:
            break
        transition(served, to=RunStatus.COMPLETED)

    assert served.pk == patient.pk, "eight levels are worth eight minutes"


def test_a_tenant_of_weight_three_starts_three_runs_a_turn():
    heavy, light = make_tenant("heavy"), make_tenant("light")
    Tenant.objects.filter(pk=heavy.pk).update(weight=3)
    for number in range(12):
        post_for(heavy, number=number, job_type=("clerk", "cashier")[number % 2])
        post_for(light, number=number, priority=9)

    got = [claim().tenant.slug for _ in range(12)]

    assert got == ["heavy", "heavy", "heavy", "light"] * 3


def test_a_turn_goes_on_where_it_stopped_when_a_tenant_comes_back():
    heavy, light = make_tenant("heavy"), make_tenant("light")
    Tenant.objects.filter(pk=heavy.pk).update(weight=2)
    post_for(heavy)
    assert claim().tenant == heavy
    for number in range(4):
        post_for(light, number=number)
    assert [claim().tenant.slug for _ in range(2)] == ["light"] * 2
    for number in range(4):
        post_for(heavy, number=number, job_type="cashier")

    got = [claim().tenant.slug for _ in range(4)]

    assert got == ["heavy", "light", "heavy", "heavy"], "one run was left of its turn: nothing is saved up"


@pytest.mark.parametrize("weight", [0, 101, 32000])
def test_a_weight_is_a_number_from_1_to_100(weight):
    tenant = make_tenant("acme")
    tenant.weight = weight

    with pytest.raises(ValidationError):
        tenant.full_clean()
    with pytest.raises(IntegrityError), transaction.atomic():
        tenant.save()


def test_only_a_superuser_sets_it(client, tenant):
    form = {"slug": "acme", "name": "Acme", "is_active": "on", "weight": 9}
    address = reverse("admin:runs_tenant_change", args=[tenant.pk])
    perms = ("runs.view_tenant", "runs.change_tenant")
    client.force_login(make_user("ada", tenant=tenant, role="admin", perms=perms))
    client.post(address, form)
    tenant.refresh_from_db()
    assert (tenant.name, tenant.weight) == ("Acme", 1)

    root = make_user("root")
    root.is_superuser = True
    root.save()
    client.force_login(root)
    client.post(address, form)

    tenant.refresh_from_db()
    assert tenant.weight == 9


def test_of_more_timers_than_a_sweep_wakes_some_of_each_tenant_are_woken(monkeypatch):
    monkeypatch.setattr("runs.maintenance.wake_timers._BATCH", 4)
    loud, quiet = make_tenant("loud"), make_tenant("quiet")
    soon = clock.now() + timedelta(seconds=1)
    for number in range(8):
        post_for(loud, number=number, scheduled_at=soon)
    post_for(quiet, scheduled_at=soon + timedelta(seconds=1))
    clock.advance(3)

    assert wake_timers() == 4

    assert Run.objects.get(tenant=quiet).status == "queued"


def test_suspects_are_tried_in_the_turns_of_their_tenants():
    loud, quiet = make_tenant("loud"), make_tenant("quiet")
    for number in range(3):
        post_for(loud, number=number, priority=9)
    post_for(quiet, priority=0)
    Run.objects.update(hold_reason="quarantine", crashes=2)

    got = [claim_quarantined(["agents"], worker_id=uuid4(), worker_name="w")[0].tenant.slug for _ in range(2)]

    assert set(got) == {"loud", "quiet"}
