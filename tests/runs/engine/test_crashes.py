"""A run that dies at any fault point, any number of times, goes on where it stopped."""

from datetime import timedelta
from itertools import pairwise
from uuid import uuid4

import pytest
from django.db.models.functions import Now
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentops.offline.transcript import check_transcript
from deadletters.models import DeadLetter
from runs import fault_points
from runs.engine.transcript import messages_of
from runs.invariants.every import breaches
from runs.maintenance.repair import repair_lanes
from runs.maintenance.rescue_runs import rescue_runs
from runs.models import ModelCall, PendingAction, Run
from runs.operations.actions.approve import approve
from runs.operations.actions.resolve import resolve
from runs.queue.claim import claim_next
from tests.testapp.agents import CALLS, HAPPENED, KEYS

pytestmark = pytest.mark.django_db


class Crash(BaseException):
    """The process is gone."""


@pytest.fixture
def crash(monkeypatch):
    """Kill the «process» at the nth fault point that it passes, counted anew after each death."""
    state = {"left": 0}

    def kill(pid, sig):
        state["left"] -= 1
        if state["left"] == 0:
            raise Crash

    monkeypatch.setattr(fault_points, "_armed", lambda: dict.fromkeys(fault_points.POINTS, (9, 1.1)))
    monkeypatch.setattr(fault_points.os, "kill", kill)

    def after(points):
        state["left"] = points

    return after


def live_on(work):
    """Work until nothing is queued, or until the armed crash; then let the reconciler find the dead lease."""
    try:
        work()
    except Crash:
        rescue()


def rescue():
    held = Run.objects.filter(status="running")
    count = held.update(lease_expires_at=Now() - timedelta(seconds=1))
    assert rescue_runs() == count


def decide_all(user):
    for action in PendingAction.objects.filter(status="open").select_related("step", "run"):
        if action.kind == "approval":
            approve(action, user=user)
        else:
            # The tools of these tests count their calls, so a person can look.
            action.step.deadline_at = None
            action.step.save(update_fields=["deadline_at"])
            happened = CALLS[action.tool] > 0
            outcome = {"outcome": "happened", "result": "seen"} if happened else {"outcome": "did_not_happen"}
            resolve(action, user=user, **outcome)


TURNS = [
    {
        "content": [
            {"type": "tool_use", "name": "look_up", "input": {"key": "a"}},
            {"type": "tool_use", "name": "send", "input": {"to": "bob"}},
            {"type": "tool_use", "name": "refund", "input": {"order_id": "1", "amount_usd": 2.0}},
        ]
    },
    {"content": [{"type": "tool_use", "name": "put", "input": {"value": 1}}]},
    {"content": [{"type": "text", "text": "Done."}]},
]


@pytest.mark.fault(10)
@pytest.mark.parametrize("points", range(1, 32))
def test_a_crash_at_each_fault_point_repeats_no_unsafe_effect(offline, post, work, user, crash, points):
    offline({"turns": TURNS})
    run = post("clerk")
    crash(points)

    for _ in range(8):
        live_on(work)
        live_on(lambda: decide_all(user))
        run.refresh_from_db()
        if run.status == "completed":
            break

    assert run.status == "completed" and run.output == "Done."
    assert CALLS["send"] == 1 and CALLS["refund"] == 1
    assert len({key for key in KEYS if key.endswith(str(run.steps.get(name="put").seq))}) == 1, "one key, all tries"
    spent = sum(call.cost_usd for call in ModelCall.objects.filter(run=run))
    assert run.cost_usd == spent, "what a lost call may have cost is accounted for"
    assert list(breaches()) == []


@pytest.mark.fault(53)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deaths=st.lists(st.integers(1, 14), max_size=6))
def test_the_transcript_is_valid_after_any_series_of_crashes(offline, post, work, user, crash, deaths):
    CALLS.clear(), KEYS.clear()
    model = offline({"turns": TURNS})
    run = post("clerk")
    seen = []

    for points in [*deaths, 0, 0, 0, 0]:
        crash(points)
        live_on(work)
        crash(0)
        Run.objects.filter(pk=run.pk).update(crashes=0)  # the cap on crashes has a test of its own
        decide_all(user)
        seen.append(messages_of("hello", run.steps.order_by("seq")))

    run.refresh_from_db()
    assert run.status == "completed" and CALLS["send"] == 1 and CALLS["refund"] == 1
    assert all(entry["status"] == 200 for entry in model.requests), "the model took every transcript"
    for earlier, later in pairwise(seen):
        assert later[: max(0, len(earlier) - 1)] == earlier[: max(0, len(earlier) - 1)], "history only grows"
    check_transcript(seen[-1][:-1])
    assert list(breaches()) == []


def test_a_verifiable_effect_is_looked_up_before_it_is_repeated(offline, post, work, user, crash):
    offline({"turns": [{"content": [{"type": "tool_use", "name": "book", "input": {"room": "12"}}]}, TURNS[-1]]})
    run = post("clerk")
    crash(7)  # claim (twice), intent of the model call, answer, intent of the booking …
    with pytest.raises(Crash):
        work()
    step = run.steps.get(name="book")
    assert step.status == "started" and CALLS["book"] <= 1
    HAPPENED[step.effect_key] = "booked 12, says the hotel"
    Run.objects.update(lease_expires_at=Now() - timedelta(seconds=1))

    rescue_runs()
    calls_before = CALLS["book"]
    crash(0)
    work()

    step.refresh_from_db()
    assert step.result == {"text": "booked 12, says the hotel"} and CALLS["book"] == calls_before


def crash_and_rescue(crash, hold):
    crash(4)
    with pytest.raises(Crash):
        hold()
    crash(0)
    rescue()


def test_after_two_crashes_at_one_step_only_a_worker_that_holds_nothing_else_tries_again(offline, post, work, crash):
    offline({"turns": TURNS})
    run = post("clerk")

    for _ in range(2):
        crash_and_rescue(crash, work)

    run.refresh_from_db()
    assert (run.status, run.crashes, run.hold_reason) == ("queued", 2, "quarantine")
    assert work() == [], "no ordinary claim sees it"
    assert list(breaches()) == []


@pytest.mark.fault(12)
def test_a_crash_of_the_run_in_quarantine_makes_the_dead_letter(offline, post, work, work_alone, crash):
    offline({"turns": TURNS})
    run = post("clerk")

    for hold in (work, work, work_alone):
        crash_and_rescue(crash, hold)

    run.refresh_from_db()
    letter = DeadLetter.objects.get(run_id=run.pk)
    assert run.status == "failed" and run.last_error["type"] == "CrashLoopError"
    assert letter.step == 1 and "3 times" in letter.error_message


def test_progress_alone_brings_the_run_back_among_the_others(offline, post, work, work_alone, crash, user):
    offline({"turns": TURNS})
    run = post("clerk")
    for _ in range(2):
        crash_and_rescue(crash, work)

    crash(0)
    work_alone()

    run.refresh_from_db()
    assert (run.status, run.crashes, run.hold_reason) == ("waiting_for_confirmation", 0, "")
    decide_all(user)
    work()
    run.refresh_from_db()
    assert run.status == "completed"


def test_a_cap_holds_for_runs_in_quarantine_too(offline, post, work_alone):
    offline({"turns": TURNS})
    quarantined, holder = post("single"), post("single")
    Run.objects.filter(pk=quarantined.pk).update(hold_reason="quarantine", crashes=2)
    repair_lanes()
    claimed = claim_next(["agents"], worker_id=uuid4(), worker_name="w")
    assert claimed and claimed[0].pk == holder.pk

    assert work_alone() == []
