"""An error that leaves open whether the effect happened: it is tried again by its class, and never called failed."""

import json

import pytest

from deadletters.models import DeadLetter
from runs import clock
from runs.invariants.every import breaches
from runs.maintenance.wake_timers import wake_timers
from runs.operations.cancel_run import cancel_run
from tests.runs.engine.story import say, trace, use
from tests.testapp.agents import CALLS, FAIL, Squares, square

pytestmark = pytest.mark.django_db

LOST = "the answer was lost"


@pytest.fixture
def try_all(work):
    """Work until the run is tried no more."""

    def try_all(run):
        work()
        for _ in range(4):
            clock.advance(700)
            wake_timers()
            work()
        run.refresh_from_db()

    return try_all


def forgiving(self, context, upto, effect):
    try:
        context.step("square-1", square, 1, effect=effect)
    except ConnectionError:
        return "went on"


def status_of(run, seq):
    return run.steps.get(seq=seq).status


def open_kinds(run):
    return [action.kind for action in run.actions.filter(status="open")]


@pytest.mark.parametrize("call", [("put", {"value": 1}), ("book", {"room": "a"})])
def test_a_tool_whose_answers_are_all_lost_is_asked_about(offline, post, try_all, call):
    model = offline({"turns": [use(call), say("Done.")]})
    FAIL[call[0]] = [ConnectionResetError(LOST)] * 4
    run = post("clerk")

    try_all(run)

    assert (CALLS[call[0]], status_of(run, 2), open_kinds(run)) == (4, "unknown", ["outcome"])
    assert LOST in run.actions.get().reason
    assert len(model.requests) == 1, "the model is not told that it failed"


def test_a_read_whose_answers_are_all_lost_has_failed_and_the_model_is_told(offline, post, try_all):
    offline({"turns": [use(("look_up", {"key": "k"})), say("Done.")]})
    FAIL["look_up"] = [ConnectionResetError(LOST)] * 4
    run = post("clerk")

    try_all(run)

    assert (run.status, status_of(run, 2)) == ("completed", "failed")


def test_an_idempotent_call_between_two_tries_is_begun_and_a_cancel_leaves_it_unknown(offline, post, work, user):
    offline({"turns": [use(("put", {"value": 1})), say("Done.")]})
    FAIL["put"] = [ConnectionResetError(LOST)]
    run = post("clerk")
    work()
    run.refresh_from_db()
    assert (run.status, status_of(run, 2)) == ("retrying", "started")

    cancel_run(run, user=user)

    assert status_of(run, 2) == "unknown"


def test_the_next_try_says_why_the_last_one_was_lost(offline, post, try_all):
    offline({"turns": [use(("put", {"value": 1})), say("Done.")]})
    FAIL["put"] = [ConnectionResetError(LOST)]
    run = post("clerk")

    try_all(run)

    assert (run.status, CALLS["put"]) == ("completed", 2)
    assert run.events.get(kind="step.put_back").data["error"] == "ConnectionResetError"


@pytest.mark.parametrize("effect", ["verifiable", "unsafe"])
def test_a_jobs_step_without_a_key_is_not_repeated_and_a_person_is_asked(post, try_all, effect):
    FAIL["square-1"] = [ConnectionResetError(LOST)]
    run = post("squares", input={"upto": 1, "effect": effect})

    try_all(run)

    assert (CALLS["square-1"], run.status, open_kinds(run)) == (1, "waiting_for_confirmation", ["outcome"])


def test_a_jobs_idempotent_step_is_tried_again_and_in_the_end_unknown(post, try_all):
    FAIL["square-1"] = [ConnectionResetError(LOST)] * 4
    run = post("squares", input={"upto": 1, "effect": "idempotent"})

    try_all(run)

    assert (CALLS["square-1"], run.status, status_of(run, 1)) == (4, "failed", "unknown")
    assert [entry["seq"] for entry in json.loads(DeadLetter.objects.get(run_id=run.pk).effects)["unknown"]] == [1]


def test_a_step_whose_loss_the_job_itself_forgives_stays_visible(post, try_all, monkeypatch):
    run = post("squares", input={"upto": 1, "effect": "idempotent"})
    monkeypatch.setattr(Squares, "run", forgiving)
    FAIL["square-1"] = [ConnectionResetError(LOST)]

    try_all(run)

    assert (run.status, trace(run)) == ("completed", [("function", "square-1", "unknown")])
    assert list(breaches()) == []
