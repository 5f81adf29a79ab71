"""Limits and pauses of tools: a call that has no place is not begun, its run gives the slot back and says why."""

import threading
import time
from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model

from runs import clock
from runs.declarations.catalog import job_types
from runs.declarations.job_types import Agent
from runs.engine.advance import advance
from runs.engine.limits.rules import forget_rules
from runs.engine.outcomes import Later
from runs.engine.tool_limits import blocked_call
from runs.maintenance.wake_timers import wake_timers
from runs.models import Limit, Pause, Run, Step
from runs.operations.limits import change_limit, set_limit
from runs.operations.pauses import end_pause, pause
from runs.operations.why import why
from runs.queue.claim import claim_next
from runs.states import StepKind, StepStatus
from tests.at_once import at_once
from tests.runs.engine.story import say, trace, use
from tests.testapp.agents import CALLS, send

pytestmark = pytest.mark.django_db

ASKED = "claude-sonnet-5-5"  # by `clerk`


@pytest.fixture
def root(db):
    return get_user_model().objects.create_superuser("root", password="pw")


@pytest.fixture
def asked(offline, post):
    def post_one():
        offline({"turns": [use(("send", {"to": "bob"}), ("look_up", {"key": "a"})), say("ok")]})
        return post("clerk")

    return post_one


def test_a_full_tool_is_not_called_others_of_the_turn_are_and_the_run_comes_back(asked, work, root):
    limit = set_limit(Limit(tool="send", most=0), user=root)
    run = asked()

    (outcome,) = work()

    run.refresh_from_db()
    assert isinstance(outcome, Later) and run.status == "scheduled" and run.attempts == 0
    assert trace(run)[1:] == [("tool_call", "send", "planned"), ("tool_call", "look_up", "completed")]
    assert run.steps.get(seq=2).attempt == 0 and not CALLS["send"]
    (reason,) = why(run)
    assert (reason.code, reason.until) == ("limit", None) and "tool send" in reason.message, "nobody knows until when"

    change_limit(limit, user=root, most=1)
    clock.advance(2.1)
    wake_timers()
    work()
    run.refresh_from_db()
    assert run.status == "completed" and CALLS["send"] == 1


def test_a_paused_tool_waits_and_goes_on(asked, work, root):
    paused = pause(Pause(tool="send", reason="the bank is closed"), user=root)
    run = asked()
    work()

    run.refresh_from_db()
    (reason,) = why(run)
    assert (reason.code, reason.until) == ("paused", None), "nobody knows until when"
    assert "the bank is closed" in reason.message and not CALLS["send"]
    end_pause(paused, user=root)
    clock.advance(2.1)
    wake_timers(), work()
    run.refresh_from_db()
    assert run.status == "completed" and CALLS["send"] == 1


def test_a_run_that_waits_for_a_paused_tool_says_until_when(asked, work, root):
    monday = clock.now() + timedelta(days=1)
    pause(Pause(tool="send", reason="the bank is closed", until=monday), user=root)
    run = asked()

    work()

    run.refresh_from_db()
    assert [(reason.code, reason.until) for reason in why(run)] == [("paused", monday)]


def test_a_limit_of_another_tenant_or_job_type_does_not_matter(asked, work, root):
    from runs.operations.accounts import make_tenant

    set_limit(Limit(tool="send", tenant=make_tenant("globex"), most=0), user=root)
    set_limit(Limit(tool="look_up", job_type="cashier", most=0), user=root)
    run = asked()

    work()

    run.refresh_from_db()
    assert run.status == "completed"


def test_of_a_scope_with_a_model_only_calls_count_that_runs_of_this_model_make(asked, post, work, root):
    other = next(one.model for one in job_types() if isinstance(one, Agent) and one.model != ASKED)
    pause(Pause(tool="send", model=other, reason="that model repeats itself"), user=root)
    set_limit(Limit(tool="send", model=other, most=0), user=root)
    run = asked()
    assert blocked_call("send", run) == []

    set_limit(Limit(tool="send", model=ASKED, most=0), user=root)
    work()

    run.refresh_from_db()
    assert run.status == "scheduled" and f"{ASKED}, tool send" in why(run)[0].message


@pytest.mark.parametrize(("model", "is_full"), [(ASKED, True), ("claude-opus-5-5", False)])
def test_only_calls_by_runs_of_its_model_take_the_places_of_a_limit(asked, work, post, root, model, is_full):
    set_limit(Limit(tool="send", model=ASKED, most=1), user=root)
    run = asked()
    work()
    run.refresh_from_db()
    definition = run.definition
    definition.pk, definition.model = "f" * 64, model
    definition.save(force_insert=True)

    post("clerk", "another")
    other, _ = claim_next(["agents"], worker_id=uuid4(), worker_name="w")
    Run.objects.filter(pk=other.pk).update(definition="f" * 64)
    Step.objects.create(run=other, seq=1, kind=StepKind.TOOL_CALL, name="send", status=StepStatus.STARTED)

    assert bool(blocked_call("send", Run.objects.get(pk=run.pk))) == is_full


@pytest.fixture
def crowded():
    """Let `send` take a while, and count how many do so at once."""
    inside, most, lock, former = [0], [0], threading.Lock(), send.function

    def count(context, to):
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        time.sleep(0.05)
        with lock:
            inside[0] -= 1
        return "sent"

    object.__setattr__(send, "function", count)  # a declared tool is frozen
    yield most
    object.__setattr__(send, "function", former)


@pytest.mark.django_db(transaction=True)
def test_calls_at_the_same_moment_never_exceed_the_places(offline, post, root, crowded):
    set_limit(Limit(tool="send", most=2), user=root)
    offline({"turns": [use(("send", {"to": "bob"})), say("ok")]})
    runs = [post("clerk", f"hello {number}").pk for number in range(8)]

    def serve(_):
        while claimed := claim_next(["agents"], worker_id=uuid4(), worker_name="w"):
            advance(*claimed)

    def are_done():
        return Run.objects.filter(pk__in=runs, status="completed").count() == len(runs)

    for _ in range(40):
        at_once(6, serve)
        if are_done():
            break
        clock.advance(2.1), forget_rules(), wake_timers()

    assert are_done() and crowded[0] <= 2
