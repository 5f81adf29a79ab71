"""What a list of runs costs: as many queries for many runs of a kind as for one, and none for what it does not show."""

from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from runs.operations.cancel_run import cancel_run
from runs.queue.claim import claim_next
from runs.ttl_cache import TTLCache
from tests.conftest import QUEUES
from tests.runs.api.conftest import RUNS, use
from tests.runs.api.conftest import say as turn

pytestmark = pytest.mark.django_db


@pytest.fixture
def make(offline, post, work, user):
    """Make so many runs of a kind."""
    offline({"turns": [use("refund", order_id="7", amount_usd=5.0), turn("Done.")]})

    def in_batch(number: int) -> None:
        post("clerk", lane="batch", text=f"{number}")
        work()

    def asking(number: int) -> None:
        post("clerk", text=f"{number}")
        work()

    def displacing(number: int) -> None:
        post("scan", input={"document": f"{number}"})
        claim_next(QUEUES, worker_id=uuid4(), worker_name="test")
        post("scan", input={"document": f"{number}"}, on_conflict="interrupt")

    def cancelled(number: int) -> None:
        cancel_run(post("clerk", text=f"{number}"), user=user)

    return {
        "queued": lambda number: post("clerk", text=f"{number}"),
        "in_batch": in_batch,
        "asking": asking,
        "displacing": displacing,
        "cancelled": cancelled,
    }


def queries(api) -> tuple[int, list[str]]:
    TTLCache.clear_all()  # what is kept for a second is read each time
    with CaptureQueriesContext(connection) as seen:
        runs = api.get(f"{RUNS}?limit=200").json()["results"]
    return len(seen), [reason["code"] for run in runs for reason in run["why"]]


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("queued", "no_worker"),
        ("in_batch", "batch"),
        ("asking", "approval"),
        ("displacing", "limit"),
        ("cancelled", None),
    ],
)
def test_many_runs_of_a_kind_take_as_many_queries_as_one(api, make, kind, code):
    make[kind](0)
    alone, _ = queries(api)

    for number in range(1, 4):
        make[kind](number)

    together, codes = queries(api)
    assert together == alone and codes.count(code) == (4 if code else 0)


def test_what_lies_in_a_batch_is_not_read_for_a_list(api, make):
    make["in_batch"](0)

    with CaptureQueriesContext(connection) as seen:
        api.get(RUNS)

    (lying,) = [query["sql"] for query in seen if 'FROM "runs_batchedcall"' in query["sql"]]
    assert '"body"' not in lying and '"result"' not in lying
