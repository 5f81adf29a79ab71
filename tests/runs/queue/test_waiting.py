"""Who may start again is rung for: in the queues of what an edit lets go on, and of a place that was freed."""

from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model

from runs.models import Limit, Pause
from runs.operations.accounts import make_member, make_tenant
from runs.operations.limits import change_limit, set_limit
from runs.operations.pauses import end_pause, pause
from runs.operations.post_run import RunRequest, post_run
from runs.queue import doorbell
from runs.queue.claim import claim_next
from runs.queue.waiting import ring_for_slot_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def root(db):
    return get_user_model().objects.create_superuser("root", password="pw")


@pytest.fixture
def rung(monkeypatch, django_capture_on_commit_callbacks):
    """Do something, and say which queues it rings."""

    def rung(act):
        heard = []
        monkeypatch.setattr(doorbell, "_ring_now", heard.append)
        with django_capture_on_commit_callbacks(execute=True):
            act()
        return heard

    return rung


def post_for(slug, job_type="clerk", **run_input):
    tenant = make_tenant(slug)
    request = RunRequest(job_type=job_type, input=run_input or {"text": "x"})
    return post_run(request, tenant=tenant, user=make_member(tenant, None), origin="test")[0]


@pytest.fixture
def backlog(db):
    """Runs of two tenants wait in `agents`, and of one of them in `batch`."""
    return post_for("a"), post_for("b"), post_for("b", "squares", upto=1)


@pytest.mark.parametrize(
    ("scope", "queues"),
    [
        ({"queue": "agents"}, ["agents"]),
        ({"queue": "realtime"}, []),
        ({"job_type": "squares"}, ["batch"]),
        ({"model": "claude-sonnet-5-5"}, ["agents"]),
        ({"tenant": "a"}, ["agents"]),
        ({"tenant": "b"}, ["agents", "batch"]),
        ({"tenant": "b", "queue": "batch"}, ["batch"]),
        ({"tool": "put"}, []),
    ],
)
def test_the_end_of_a_pause_rings_where_runs_of_its_scope_wait(root, backlog, rung, scope, queues):
    scope |= {"tenant": make_tenant(scope["tenant"])} if "tenant" in scope else {}
    paused = pause(Pause(reason="moving house", **scope), user=root)

    assert rung(lambda: end_pause(paused, user=root)) == queues


@pytest.mark.parametrize("change", [{"most": 3}, {"is_active": False}])
def test_a_limit_that_lets_more_through_rings_where_runs_of_its_scope_wait(root, backlog, rung, change):
    limit = set_limit(Limit(most=0), user=root)

    assert rung(lambda: change_limit(limit, user=root, **change)) == ["agents", "batch"]


def claimed(backlog):
    run, _ = claim_next(["agents"], worker_id=uuid4(), worker_name="w")
    assert run.pk == backlog[0].pk
    return run


def test_a_place_of_a_limit_over_queues_is_rung_for_where_its_own_worker_does_not_look(root, backlog, rung):
    run = claimed(backlog)
    set_limit(Limit(most=1), user=root)

    assert rung(lambda: ring_for_slot_of(run, besides=["agents"])) == ["batch"]
    assert rung(lambda: ring_for_slot_of(run, besides=["agents", "batch"])) == []


@pytest.mark.parametrize("limit", [{"queue": "agents"}, {"job_type": "squares"}, {"tenant": "b"}, {"tool": "put"}])
def test_a_run_that_took_no_place_over_queues_rings_nowhere(root, backlog, rung, limit):
    run = claimed(backlog)
    limit |= {"tenant": make_tenant("b")} if "tenant" in limit else {}
    set_limit(Limit(most=1, **limit), user=root)

    assert rung(lambda: ring_for_slot_of(run, besides=["agents"])) == []


def test_a_used_up_rate_is_not_freed_by_the_end_of_a_run(root, backlog, rung):
    run = claimed(backlog)
    set_limit(Limit(kind="rate", most=1, per_s=60), user=root)

    assert rung(lambda: ring_for_slot_of(run, besides=["agents"])) == []
