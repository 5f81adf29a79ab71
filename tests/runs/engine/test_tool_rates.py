"""A tool that may be called so often within a while: never more often, and who waits is woken when there is room."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model

from runs import clock
from runs.engine.advance import advance
from runs.engine.limits.rules import forget_rules
from runs.invariants.every import breaches
from runs.maintenance.wake_timers import wake_timers
from runs.models import Limit, Pause, RatedCall, Run, RunEvent, Step
from runs.operations.accounts import make_member, make_tenant
from runs.operations.limits import change_limit, set_limit
from runs.operations.pauses import pause
from runs.operations.post_run import RunRequest, post_run
from runs.operations.why import why
from runs.queue.claim import claim_next
from tests.at_once import at_once
from tests.runs.engine.story import say, use
from tests.testapp.agents import CALLS

pytestmark = pytest.mark.django_db

ONE_CALL = {"turns": [use(("send", {"to": "bob"})), say("ok")]}


@pytest.fixture(autouse=True)
def _fresh(offline):
    offline(ONE_CALL)


@pytest.fixture
def root(db):
    return get_user_model().objects.create_superuser("root", password="pw")


@pytest.fixture
def rated(root):
    """Set a rate of `send`: so many calls a minute."""

    def rate(most, **scope):
        options = {"each_tenant": scope.pop("each_tenant", False), "per_s": scope.pop("per_s", 60)}
        return set_limit(Limit(tool="send", kind="rate", most=most, **scope, **options), user=root)

    return rate


@pytest.fixture
def a_while(work):
    def pass_by(seconds):
        clock.advance(seconds)
        wake_timers(), work()

    return pass_by


def post_for(slug, number=0):
    tenant = make_tenant(slug)
    request = RunRequest(job_type="clerk", input={"text": f"{slug} {number}"})
    return post_run(request, tenant=tenant, user=make_member(tenant, None), origin="test")[0]


def fresh(run):
    return Run.objects.get(pk=run.pk)


def test_no_more_calls_begin_in_a_minute_and_the_others_wait_for_the_oldest_to_leave_it(post, work, rated, a_while):
    rated(2)
    runs = [post("clerk", f"hello {number}") for number in range(5)]
    work()

    assert CALLS["send"] == 2
    waiting = fresh(runs[4])
    assert (waiting.status, waiting.attempts) == ("scheduled", 0)
    (reason,) = why(waiting)
    assert reason.code == "rate" and "2 calls in 60 s: tool send" in reason.message
    assert 50 < (reason.until - clock.now()).total_seconds() <= 60

    a_while(50)
    assert CALLS["send"] == 2 and why(fresh(runs[4]))[0].until == reason.until
    a_while(11)
    assert CALLS["send"] == 4
    a_while(61)
    assert {fresh(run).status for run in runs} == {"completed"} and CALLS["send"] == 5


def test_who_waits_is_neither_claimed_nor_told_of_meanwhile_and_nobody_is_called_stuck(post, work, rated, a_while):
    rated(1)
    runs = [post("clerk", f"hello {number}") for number in range(6)]
    work()
    before = sum(fresh(run).fence for run in runs), RunEvent.objects.count()

    for _ in range(5):
        a_while(9)

    assert (sum(fresh(run).fence for run in runs), RunEvent.objects.count()) == before
    assert list(breaches(look_again_after_s=0)) == []


def test_only_as_many_are_woken_as_may_call(post, work, rated, a_while):
    rated(2)
    runs = [post("clerk", f"hello {number}") for number in range(8)]
    work()
    before = sum(fresh(run).fence for run in runs)

    a_while(61)

    assert sum(fresh(run).fence for run in runs) == before + 2 and CALLS["send"] == 4


def test_who_waits_for_a_person_besides_or_for_a_paused_tool_is_not_woken_for_that(offline, post, work, rated, root):
    rated(1)
    calls = ("send", {"to": "bob"}), ("put", {"value": 1}), ("refund", {"amount_usd": 5, "order_id": "1"})
    offline({"turns": [use(*calls), say("ok")]})
    pause(Pause(tool="put", reason="broken"), user=root)
    runs = [post("clerk", f"hello {number}") for number in range(4)]
    work()
    assert {fresh(run).fence for run in runs} == {1}

    clock.advance(61)

    assert wake_timers() == 1


def test_who_has_a_begun_call_besides_is_woken_to_look_after_it(post, work, rated):
    rated(1)
    runs = [post("clerk", f"hello {number}") for number in range(2)]
    work()
    Step.objects.create(run=runs[1], seq=9, kind="tool_call", name="look_up", status="started", tool_use_id="t")
    clock.advance(3)

    assert wake_timers() == 1 and fresh(runs[1]).status == "queued"


def test_each_tenant_has_its_own_window(work, rated):
    rated(1, each_tenant=True)
    for slug in ("acme", "globex"):
        for number in range(2):
            post_for(slug, number)

    work()

    assert CALLS["send"] == 2
    assert set(Step.objects.filter(name="send", status="completed").values_list("run__tenant__slug", flat=True)) == {
        "acme",
        "globex",
    }


def test_a_tenant_with_many_that_wait_does_not_keep_another_from_its_turn(work, rated, a_while):
    rated(1)
    for number in range(4):
        post_for("many", number)
    work()
    single = post_for("few")
    work()

    a_while(61), a_while(61)

    assert fresh(single).status == "completed"


def test_a_rate_that_is_raised_or_switched_off_lets_them_go_on_at_once(post, work, rated, root, a_while):
    limit = rated(1, per_s=3600)
    runs = [post("clerk", f"hello {number}") for number in range(3)]
    work()

    change_limit(limit, user=root, most=2)
    a_while(3)
    assert CALLS["send"] == 2
    change_limit(limit, user=root, is_active=False)
    a_while(3)

    assert {fresh(run).status for run in runs} == {"completed"}


def test_other_timers_do_not_wait_behind_those_who_wait_for_a_tool(post, work, rated, monkeypatch):
    monkeypatch.setattr("runs.maintenance.wake_timers._BATCH", 3)
    limit = rated(1)
    for number in range(5):
        post("clerk", f"hello {number}")
    work()
    later = post("squares", input={"upto": 1})
    Run.objects.filter(pk=later.pk).update(status="scheduled", next_attempt_at=clock.now())
    clock.advance(61)

    wake_timers()

    assert fresh(later).status == "queued" and RatedCall.objects.filter(limit=limit).count() == 1


def test_what_has_left_the_window_is_forgotten(post, work, rated, a_while):
    limit = rated(3)
    old = clock.now() - timedelta(hours=1)
    RatedCall.objects.bulk_create(RatedCall(limit=limit, tenant=make_tenant("acme"), at=old) for _ in range(9))
    post("clerk")

    work()

    assert RatedCall.objects.filter(at__gt=old).count() == RatedCall.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_calls_at_the_same_moment_never_exceed_the_rate(post, rated):
    rated(3)
    for number in range(8):
        post("clerk", f"hello {number}")

    def serve(_):
        while claimed := claim_next(["agents"], worker_id=uuid4(), worker_name="w"):
            advance(*claimed)

    at_once(6, serve)

    assert CALLS["send"] == RatedCall.objects.count() == 3
    assert Run.objects.filter(status="scheduled").count() == 5


def test_a_rate_of_no_call_at_all_says_that_nobody_knows_until_when(post, work, rated):
    rated(0)
    run = post("clerk")

    work()

    forget_rules()
    assert Limit.objects.count() == 1 and why(fresh(run))[0].code == "rate" and not CALLS["send"]
