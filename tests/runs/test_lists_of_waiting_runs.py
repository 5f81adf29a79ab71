"""A list of runs that wait asks the database as often for thirty as for three, whatever holds them back."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from runs import clock
from runs.models import CircuitBreaker, Limit, Pause, Run, Worker
from runs.operations.limits import set_limit
from runs.operations.pauses import pause
from runs.queue.claim import claim_next
from runs.ttl_cache import TTLCache

pytestmark = pytest.mark.django_db


@pytest.fixture
def root(db):
    return get_user_model().objects.create_superuser("root", password="pw")


@pytest.fixture
def lists(root, token):
    """Read the first page of each list. Returns the documents of the API; the console shows no reasons in its list."""
    console = Client()
    console.force_login(root)
    return {
        "api": lambda: Client().get(
            "/api/v1/runs/?status=queued&limit=100", headers={"Authorization": f"Bearer {token}"}
        ),
        "console": lambda: console.get("/admin/runs/run/?status__exact=queued"),
    }


def queries_of(read):
    read()  # what is kept for a while in the process, such as the numbers of the sidebar
    TTLCache.clear_all()
    with CaptureQueriesContext(connection) as seen:
        answer = read()
    assert answer.status_code == 200
    return len(seen)


@pytest.fixture
def hold_back(root, post):
    """Let each kind of reason hold for runs that are posted after. Returns how to post three."""
    post("single"), post("clerk"), post("squares", input={"upto": 1})
    for queue in ("agents", "agents", "batch"):
        assert claim_next([queue], worker_id=uuid4(), worker_name="w")
    set_limit(Limit(most=3), user=root)
    set_limit(Limit(queue="agents", most=1, each_tenant=True), user=root)
    set_limit(Limit(queue="batch", kind="rate", most=1, per_s=60), user=root)
    pause(Pause(queue="agents", reason="moving house"), user=root)
    Worker.objects.create(
        name="w", host="h", pid=1, queues=["batch"], slots=1, started_at=clock.now(), heartbeat_at=clock.now()
    )
    breaker = CircuitBreaker.objects.create(
        provider="anthropic", model="m", open_reason="rate", open_until=clock.now() + timedelta(minutes=1), reason="429"
    )

    def post_three():
        held = post("clerk")
        pace = {
            "circuit_breaker": breaker,
            "hold_reason": "rate",
            "rate_need": {"rate_limit": "requests of m", "model": "m"},
            "next_attempt_at": clock.now(),
        }
        Run.objects.filter(pk=held.pk).update(**pace)
        return post("single"), held, post("squares", input={"upto": 1})

    return post_three


@pytest.mark.parametrize("name", ["api", "console"])
def test_a_list_of_thirty_asks_as_often_as_one_of_three(lists, hold_back, name):
    hold_back()
    of_three = queries_of(lists[name])
    for _ in range(9):
        hold_back()

    of_thirty = queries_of(lists[name])

    assert Run.objects.filter(status="queued").count() == 30
    assert of_thirty == of_three


def test_the_list_says_the_reasons_of_each_as_its_own_page_does(lists, hold_back, token):
    hold_back()

    listed = lists["api"]().json()["results"]

    assert {run["job_type"]: [reason["code"] for reason in run["why"]] for run in listed} == {
        "single": ["paused", "limit", "limit", "limit", "no_worker"],
        "clerk": ["rate", "rate", "paused", "limit", "limit", "no_worker"],
        "squares": ["limit", "rate"],
    }
    holder = Run.objects.get(job_type="single", status="running")
    (messages,) = [[reason["message"] for reason in run["why"]] for run in listed if run["job_type"] == "single"]
    assert f"1 of 1 for this tenant, held by run {holder.pk}" in messages
    for run in listed:
        alone = Client().get(run["links"]["self"], headers={"Authorization": f"Bearer {token}"}).json()
        assert alone["why"] == run["why"]
