"""A quarantined run is held back by pauses, limits and caps as any other is, and by nothing else."""

from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model

from runs.models import Limit, Pause, Run
from runs.models.moves import transition
from runs.operations.accounts import make_member, make_tenant
from runs.operations.limits import set_limit
from runs.operations.pauses import end_pause, pause
from runs.operations.post_run import RunRequest, post_run
from runs.queue.claim import claim_next, claim_quarantined, has_quarantined, recount
from runs.states import RunStatus

pytestmark = pytest.mark.django_db


@pytest.fixture
def root(db):
    return get_user_model().objects.create_superuser("root", password="pw")


def post_for(slug, job_type="clerk"):
    tenant = make_tenant(slug)
    request = RunRequest(job_type=job_type, input={"text": "x"})
    return post_run(request, tenant=tenant, user=make_member(tenant, None), origin="test")[0]


def quarantined(slug, job_type="clerk"):
    """A run that took workers down, as a rescue leaves it."""
    run = post_for(slug, job_type)
    Run.objects.filter(pk=run.pk).update(hold_reason="quarantine", crashes=2)
    recount(run.queue_lane_id)
    return run


def claim(how):
    claimed = how(["agents"], worker_id=uuid4(), worker_name="w")
    return claimed and claimed[0]


def is_held_back():
    """Neither claimed, nor reason enough to start a process for it."""
    assert claim(claim_next) is None
    return claim(claim_quarantined) is None and not has_quarantined(["agents"])


@pytest.mark.parametrize("scope", [{"queue": "agents"}, {"job_type": "clerk"}, {"tenant": "a"}, {"model": True}])
def test_a_pause_holds_back_a_suspect_until_it_ends(root, scope):
    run = quarantined("a")
    scope |= {"tenant": make_tenant("a")} if "tenant" in scope else {}
    scope |= {"model": "claude-sonnet-5-5"} if "model" in scope else {}
    paused = pause(Pause(reason="stop everything", **scope), user=root)

    assert is_held_back()
    end_pause(paused, user=root)
    assert has_quarantined(["agents"]) and claim(claim_quarantined).pk == run.pk


def test_a_pause_of_others_holds_back_no_suspect(root):
    run, other = quarantined("a"), quarantined("b")
    pause(Pause(tenant=make_tenant("a"), reason="stop a"), user=root)
    pause(Pause(queue="batch", reason="stop batch"), user=root)

    assert claim(claim_quarantined).pk == other.pk
    run.refresh_from_db()
    assert run.state == RunStatus.QUEUED


def test_a_full_limit_holds_back_a_suspect_until_there_is_a_place(root):
    set_limit(Limit(queue="agents", most=1), user=root)
    post_for("a")
    working = claim(claim_next)
    run = quarantined("b")

    assert is_held_back()
    transition(working, to=RunStatus.COMPLETED)
    assert claim(claim_quarantined).pk == run.pk


def test_a_used_up_rate_of_its_tenant_holds_back_a_suspect(root):
    set_limit(Limit(queue="agents", kind="rate", most=1, per_s=60, each_tenant=True), user=root)
    post_for("a")
    assert claim(claim_next)
    quarantined("a")

    assert is_held_back()


def test_a_limit_stands_in_for_the_declared_cap_of_a_suspect_too(root):
    post_for("a", "single")
    assert claim(claim_next)
    run = quarantined("a", "single")

    assert is_held_back()
    set_limit(Limit(job_type="single", tenant=make_tenant("a"), most=2), user=root)
    assert claim(claim_quarantined).pk == run.pk
