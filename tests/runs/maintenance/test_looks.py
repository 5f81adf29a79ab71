"""What is looked at unasked, and what lists show, uses an index: ten thousand waiting runs cost rows only."""

import re
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agentops.lab.bench.crowd import disperse_crowd, gather_crowd, one_that_waits
from runs import clock
from runs.extensions import UPKEEP
from runs.invariants.every import every_check
from runs.maintenance.batches.tend import tend_batches
from runs.maintenance.reconcile import FREQUENT, RARE, reconcile
from runs.maintenance.reopen_budgets import reopen_budgets
from runs.models import BatchedCall, Budget, CircuitBreaker, MessageBatch, ModelCall, PendingAction, RateLimit, Run
from runs.operations.budgets import make_budget
from runs.queue.claim import claim_next, has_quarantined

pytestmark = pytest.mark.django_db

CROWD = 2_000
GROWING = re.compile(
    r"(?:SCAN|Seq Scan on) (?:runs_(?:run|step|batchedcall|pendingaction|runevent|modelcall)\b|u\d)", re.IGNORECASE
)


@pytest.fixture
def crowd(tenant, user):
    """Two thousand runs that wait, beside a circuit that was open once, one that is open, and a rate limit."""
    gather_crowd(one_that_waits(tenant=tenant, user=user), count=CROWD)
    CircuitBreaker.objects.create(provider="anthropic", model="open")
    CircuitBreaker.objects.create(
        provider="anthropic", model="shut", open_reason="rate", opened_at=clock.now(), open_until=clock.now()
    )
    RateLimit.objects.create(requests_per_minute=1)
    if connection.vendor == "postgresql":  # which counts its rows by itself after a while; SQLite never does
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
            cursor.execute("SET LOCAL random_page_cost = 1.1")  # else it may read all of so few rows though it need not


def plan_of(statement):
    explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
    with connection.cursor() as cursor:
        cursor.execute(f"{explain} {statement}")
        return "\n".join(str(row[-1]) for row in cursor.fetchall())


def plans_of(look):
    """Do it, and explain each of its queries. Shape: plan by query."""
    with CaptureQueriesContext(connection) as seen:
        look()
    queries = {query["sql"] for query in seen.captured_queries if query["sql"].lstrip().startswith("SELECT")}
    return {query: plan_of(query) for query in queries}


def scans(look):
    """Find the queries that read a table that grows with the runs from end to end."""
    return {query: plan for query, plan in plans_of(look).items() if GROWING.search(plan)}


def test_a_sweep_reads_no_table_of_runs_from_end_to_end(crowd):
    def sweep():
        done = reconcile(thorough=True)
        assert len(done) == len(FREQUENT) + len(UPKEEP) + len(RARE) and set(done.values()) == {0}, "nothing is due"

    assert scans(sweep) == {}


@pytest.fixture
def calls_in_batches(crowd):
    """Every call of the crowd is in the batch lane: most were answered long ago, the others wait."""
    old = MessageBatch.objects.create(status="collected", requests=900, created_at=clock.now())
    new = MessageBatch.objects.create(
        status="in_progress",
        provider_id="msgbatch_1",
        requests=99,
        created_at=clock.now(),
        next_look_at=clock.in_seconds(60),
    )
    now, calls = clock.now(), list(ModelCall.objects.all())
    BatchedCall.objects.bulk_create(
        BatchedCall(
            call=call,
            batch=old if number < 900 else new if number < 999 else None,
            end="succeeded" if number < 900 else "",
            size=2,
            created_at=now,
        )
        for number, call in enumerate(calls)
    )
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")


def test_tending_the_batch_lane_reads_only_what_is_pending_or_due(calls_in_batches):
    assert scans(tend_batches) == {}


def test_looking_for_work_reads_no_table_of_runs_from_end_to_end(crowd):
    def look():
        assert claim_next(["agents"], worker_id=uuid4(), worker_name="w") is None
        assert not has_quarantined(["agents"])

    assert scans(look) == {}


@pytest.mark.parametrize("path", ["actions/", "actions/?status=open", "runs/?status=waiting_for_confirmation", "runs/"])
def test_a_page_of_a_list_reads_no_more_than_the_page(crowd, client, token, path):
    def read():
        response = client.get(f"/api/v1/{path}", HTTP_AUTHORIZATION=f"Bearer {token}")
        assert response.status_code == 200 and response.json()["next"]

    plans = plans_of(read)

    assert not [plan for plan in plans.values() if GROWING.search(plan)]
    assert not [query for query in plans if "DISTINCT" in query], "no row of a list can come twice"
    assert len(plans) < 10, "a run of the list costs no query of its own"


def test_the_inbox_of_the_console_reads_the_open_actions_by_an_index_and_counts_them(crowd, admin_client):
    response = None

    def read():
        nonlocal response
        response = admin_client.get("/admin/runs/pendingaction/")

    plans = plans_of(read)

    assert f"{CROWD} pending actions" in response.content.decode()
    assert len(plans) < 12


def test_the_crowd_of_the_bench_is_what_the_engine_would_have_written(crowd):
    assert [str(breach) for check in every_check() for breach in check()] == []
    assert PendingAction.objects.filter(status="open").count() == CROWD
    assert PendingAction.objects.values("effect_key").distinct().count() == CROWD

    disperse_crowd(Run.objects.order_by("created_at")[0])

    assert Run.objects.count() == PendingAction.objects.count() == 1
    assert [str(breach) for check in every_check() for breach in check()] == []


def test_letting_go_on_who_waits_for_a_budget_reads_only_who_does(crowd, tenant):
    budget = make_budget(Budget(tenant=tenant, period="day", limit_usd=1))
    waiting = PendingAction.objects.filter(pk__in=PendingAction.objects.values("pk")[:3])
    waiting.update(kind="budget", budget_period=budget.periods.get(), arguments={"needs_usd": "2"})

    assert scans(reopen_budgets) == {}
    assert PendingAction.objects.filter(status="open").count() == CROWD, "nothing fits"
