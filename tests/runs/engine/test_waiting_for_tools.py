"""A run that waits for a paused tool occupies nothing: no timer brings it back before the pause ends."""

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model

from runs import clock
from runs.engine import tool_calls
from runs.engine.limits.rules import forget_rules
from runs.invariants.every import breaches
from runs.maintenance.wake_timers import wake_timers
from runs.models import Limit, Pause, Run, RunEvent
from runs.operations.accounts import make_tenant
from runs.operations.actions.approve import approve
from runs.operations.cancel_run import cancel_run
from runs.operations.limits import change_limit, set_limit
from runs.operations.pauses import end_pause, pause
from tests.runs.engine.story import say, use

pytestmark = pytest.mark.django_db

MODEL = "claude-sonnet-5-5"


@pytest.fixture
def root(db):
    return get_user_model().objects.create_superuser("root", password="pw")


@pytest.fixture
def asked(offline, post):
    def post_one(*calls):
        offline({"turns": [use(*calls), say("Done.")]})
        return post("clerk")

    return post_one


@pytest.fixture
def a_while(work):
    def pass_by(times=5):
        for _ in range(times):
            clock.advance(2.1)
            wake_timers(), work()

    return pass_by


def status_of(run):
    return Run.objects.get(pk=run.pk).status


def test_a_run_is_not_claimed_while_its_tool_is_paused_and_at_once_when_it_is_not(asked, work, root, a_while):
    run = asked(("put", {"value": 1}))
    paused = pause(Pause(tool="put", model=MODEL, tenant=run.tenant, reason="broken"), user=root)
    work()
    before = Run.objects.get(pk=run.pk).fence, RunEvent.objects.count()

    a_while(times=20)

    assert (Run.objects.get(pk=run.pk).fence, RunEvent.objects.count()) == before
    assert list(breaches(look_again_after_s=0)) == []
    end_pause(paused, user=root)
    wake_timers(), work()
    assert status_of(run) == "completed"


def test_a_pause_that_ends_by_itself_holds_nobody_longer(asked, work, root, a_while):
    run = asked(("put", {"value": 1}))
    pause(Pause(tool="put", reason="broken", until=clock.now() + timedelta(hours=1)), user=root)
    work(), a_while()
    assert status_of(run) == "scheduled"

    clock.advance(3600), forget_rules()
    a_while(times=1)

    assert status_of(run) == "completed"


@pytest.mark.parametrize("scope", ["job_type", "tenant"])
def test_a_pause_of_others_holds_nobody(asked, work, root, a_while, scope):
    run = asked(("look_up", {"key": "a"}))
    limit = set_limit(Limit(tool="look_up", most=0), user=root)
    others = {"job_type": "cashier", "tenant": make_tenant("globex")}
    pause(Pause(tool="look_up", reason="theirs", **{scope: others[scope]}), user=root)
    work()

    change_limit(limit, user=root, most=1)
    a_while(times=1)

    assert status_of(run) == "completed"


def test_another_call_of_the_turn_goes_on_while_one_waits_for_its_tool(asked, work, root, a_while):
    run = asked(("put", {"value": 1}), ("look_up", {"key": "a"}))
    pause(Pause(tool="put", reason="broken"), user=root)
    limit = set_limit(Limit(tool="look_up", most=0), user=root)
    work()

    change_limit(limit, user=root, most=1)
    a_while()

    assert dict(run.steps.filter(kind="tool_call").values_list("name", "status")) == {
        "put": "planned",
        "look_up": "completed",
    }
    assert Run.objects.get(pk=run.pk).fence == 2


def test_a_call_that_a_person_decides_meanwhile_does_not_wait_for_the_pause(asked, work, root, a_while):
    run = asked(("put", {"value": 1}), ("refund", {"amount_usd": 5, "order_id": "1"}))
    pause(Pause(tool="put", reason="broken"), user=root)
    work(), a_while()
    assert Run.objects.get(pk=run.pk).fence == 1

    approve(run.actions.get(), user=root)
    a_while()

    assert run.steps.get(name="refund").status == "completed" and status_of(run) == "scheduled"


def test_a_run_that_is_cancelled_as_it_gives_way_to_a_pause_ends_all_the_same(asked, work, root, monkeypatch):
    run = asked(("put", {"value": 1}))
    pause(Pause(tool="put", reason="broken"), user=root)
    place_for = tool_calls.place_for

    def cancelled_meanwhile(tool, present):
        cancel_run(Run.objects.get(pk=run.pk), user=root)
        return place_for(tool, present)

    monkeypatch.setattr(tool_calls, "place_for", cancelled_meanwhile)

    work()

    assert status_of(run) == "cancelled"
