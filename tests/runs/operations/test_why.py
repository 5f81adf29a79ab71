"""Nothing that waits says nothing: the place in line, the slots, and what holds back each status."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from runs import clock
from runs.engine.outcomes import Waiting
from runs.models import PendingAction, QueueLane, Run, Worker
from runs.operations import why_slots
from runs.operations.accounts import make_member, make_tenant
from runs.operations.cancel_run import cancel_run
from runs.operations.post_run import RunRequest, post_run
from runs.operations.why import Around, why
from runs.queue.claim import claim_next
from runs.states import ENDED, RunStatus
from runs.ttl_cache import TTLCache
from tests.runs.engine.story import say, use
from tests.runs.engine.witness import CODES

pytestmark = pytest.mark.django_db


@pytest.fixture
def worker(db):
    return make_worker()


def make_worker(**columns):
    now = clock.now()
    given = {"queues": ["agents"], "slots": 2, "started_at": now, "heartbeat_at": now, **columns}
    return Worker.objects.create(name="w", host="h", pid=1, **given)


def claim(worker, queue="agents"):
    return claim_next([queue], worker_id=worker.pk, worker_name="w")[0]


def only(run):
    run = Run.objects.get(pk=run.pk)
    (reason,) = why(run)
    return reason


def post_for(slug, **request):
    tenant = make_tenant(slug)
    given = RunRequest("clerk", {"text": "x"}, **request)
    return post_run(given, tenant=tenant, user=make_member(tenant, None), origin="test")[0]


def test_a_run_behind_busy_slots_says_its_place_and_by_when_a_slot_is_free(post, worker):
    busy = [post("clerk", timeout_s=seconds) for seconds in (300, 100)]
    held = [claim(worker) for _ in busy]
    first, second, third = post("clerk"), post("clerk"), post("clerk")

    reasons = [only(run) for run in (first, second, third)]

    assert [reason.code for reason in reasons] == ["slots"] * 3
    assert reasons[0].message == (
        "waits for a slot: number 1 in line, 0 of 2 slots are free, enough of them by then at the latest"
    )
    assert "number 3 in line" in reasons[2].message
    began = held[0].started_at
    assert abs((reasons[0].until - began).total_seconds() - 100) < 30
    assert abs((reasons[1].until - began).total_seconds() - 300) < 30
    assert reasons[2].until is None, "two slots free up, the third is anybody's guess"


def test_time_that_a_run_has_spent_before_is_not_left_to_it(post, worker):
    for _ in range(2):
        post("clerk", timeout_s=100)
    Run.objects.update(running_s=60)
    held = [claim(worker) for _ in range(2)]

    assert (only(post("clerk")).until - held[0].started_at).total_seconds() < 70


def test_a_run_that_is_about_to_be_taken_says_that(post, worker):
    first, second, third = post("clerk"), post("clerk"), post("clerk")

    assert only(first).message == "starts at the next look, within 2 s: number 1 in line, 2 of 2 slots are free"
    assert only(second).message.startswith("starts at the next look")
    assert only(third).message.startswith("waits for a slot: number 3 in line")
    assert only(first).until is None


def test_the_place_is_the_one_in_which_runs_are_taken(worker):
    """Tenants take turns, priority ranks within a tenant: whoever stands at place n is the nth to be claimed."""
    worker.slots = 99
    worker.save()
    for slug, count in (("big", 6), ("small", 2), ("middle", 3)):
        for number in range(count):
            post_for(slug, priority=number % 3 + 4)
    claim(worker)
    waiting = list(Run.objects.filter(status="queued").select_related("queue_lane"))
    around = Around(waiting)
    places = {run.pk: around.lanes.place(run).before for run in waiting}

    for number in range(len(waiting)):
        run = claim(worker)
        assert abs(places[run.pk] - number) <= 2, "the others have at most one turn more or less each"
    assert len({*places.values()}) > 5


def test_a_full_line_of_the_tenant_does_not_stand_before_its_others(post, worker):
    post("single")
    claim(worker)
    for _ in range(5):
        post("single")

    assert "number 1 in line" in only(post("clerk")).message


def test_no_further_than_is_needed_is_counted(post, worker, monkeypatch):
    monkeypatch.setattr(why_slots, "_BEFORE", why_slots._BEFORE.replace(str(why_slots.FAR + 1), "4"))
    monkeypatch.setattr(why_slots, "FAR", 3)
    runs = [post("clerk") for _ in range(8)]

    assert only(runs[3]).message == "waits for a slot: number 4 in line, 2 of 2 slots are free"
    assert only(runs[7]).message == "waits for a slot: more than 4 runs are before it, 2 of 2 slots are free"


@pytest.mark.parametrize("columns", [{"draining": True}, {"stopped": True}, {"silent": True}, {"queues": ["batch"]}])
def test_a_worker_that_takes_nothing_has_no_slots(post, columns):
    stopped, silent = columns.pop("stopped", False), columns.pop("silent", False)
    columns |= {"stopped_at": clock.now()} if stopped else {}
    columns |= {"heartbeat_at": clock.now() - timedelta(hours=1)} if silent else {}
    make_worker(**columns)

    assert only(post("clerk")).code == "no_worker"


def test_slots_of_several_workers_add_up_and_count_what_they_hold_in_other_queues(post, worker):
    other = make_worker(queues=["batch", "agents"], slots=3)
    post("squares", input={"upto": 1})
    claim(other, "batch")

    assert "number 1 in line, 4 of 5 slots are free" in only(post("clerk")).message


def test_a_list_asks_as_often_for_many_as_for_few(post, worker):
    def queries():
        runs = list(Run.objects.filter(status="queued").select_related("queue_lane", "circuit_breaker"))
        TTLCache.clear_all()
        with CaptureQueriesContext(connection) as seen:
            around = Around(runs)
            assert all(why(run, around)[0].code == "slots" for run in runs)
        return len(seen)

    for _ in range(3):
        post("clerk")
    claim(worker)
    of_two = queries()
    for number in range(30):
        post_for(f"tenant-{number % 5}")

    assert queries() == of_two


def test_the_list_of_the_api_says_it_as_the_page_of_the_run_does(client, post, worker, token):
    for _ in range(4):
        post("clerk")
    headers = {"authorization": f"Bearer {token}"}

    listed = client.get("/api/v1/runs/", headers=headers).json()["results"]

    assert [run["why"][0]["code"] for run in listed] == ["slots"] * 4
    for run in listed:
        assert client.get(run["links"]["self"], headers=headers).json()["why"] == run["why"]


def test_a_suspect_is_in_quarantine(post, worker):
    run = post("clerk")
    Run.objects.filter(pk=run.pk).update(hold_reason="quarantine", crashes=2)

    assert only(run).code == "quarantine"


def test_a_run_whose_decision_was_taken_this_moment_still_says_something(offline, post, work, worker):
    offline({"turns": [use(("refund", {"order_id": "1", "amount_usd": 2.0})), say("Done.")]})
    run = post("clerk")
    assert work() == [Waiting()]
    PendingAction.objects.update(status="approved", decided_at=clock.now())

    assert only(run).message == "a decision was taken just now: the run goes on at once"


def put(run, status):
    """Write a status by hand, with what the table demands of it."""
    now = clock.now()
    columns = {
        "status": status,
        "finished_at": now if status in ENDED else None,
        "lease_expires_at": now if status == RunStatus.RUNNING else None,
        "next_attempt_at": now if status in (RunStatus.SCHEDULED, RunStatus.RETRYING) else None,
    }
    Run.objects.filter(pk=run.pk).update(**columns)


@pytest.mark.parametrize("served", [True, False])
@pytest.mark.parametrize("status", RunStatus)
def test_whatever_waits_says_why_in_every_status(post, user, status, served):
    if served:
        make_worker()
    run = post("clerk")
    put(run, status)
    run.refresh_from_db()

    reasons = why(run)

    assert bool(reasons) == (status not in ENDED | {RunStatus.RUNNING})
    assert {reason.code for reason in reasons} <= CODES and all(reason.message for reason in reasons)
    if status == RunStatus.RUNNING:
        cancel_run(run, user=user)
        run.refresh_from_db()
        assert [reason.code for reason in why(run)] == ["cancelling"]


@pytest.mark.parametrize("columns", [{"rank": -1e300}, {"rank": 1e300}, {"worker": uuid4()}])
def test_an_odd_row_says_something_too(post, worker, columns):
    run = post("clerk")
    Run.objects.filter(pk=run.pk).update(**columns)
    QueueLane.objects.update(queued=0)

    assert only(run).code == "slots"
