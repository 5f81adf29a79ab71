"""A worker that dies before, in and after each kind of call: what is asked, done and paid again, class by class."""

import pytest

from runs import clock
from runs.invariants.every import breaches
from runs.maintenance.rescue_runs import rescue_runs
from runs.models import ModelCall, PendingAction, Run
from tests.runs.engine.story import say, use
from tests.testapp.agents import CALLS, HAPPENED, KEYS

pytestmark = pytest.mark.django_db

ARGUMENTS = {
    "look_up": {"key": "a"},
    "put": {"value": 1},
    "book": {"room": "12"},
    "send": {"to": "bob"},
}


@pytest.fixture
def die_at(die_at):
    """Die there; then the reconciler finds the dead lease."""

    def die(point, nth=1):
        die_at(point, nth)
        clock.advance(20)
        assert rescue_runs() == 1

    return die


def statuses(run):
    return sorted(ModelCall.objects.filter(run=run).values_list("status", flat=True))


def clean():
    return [str(breach) for breach in breaches(look_again_after_s=0)] == []


@pytest.mark.fault(19)
def test_a_death_before_the_intent_of_a_model_call_costs_nothing_and_it_is_asked(offline, post, work, die_at):
    model = offline({"turns": [say("Done.")]})
    run = post("clerk")

    die_at("claim.after")
    work()

    run.refresh_from_db()
    assert run.status == "completed" and len(model.requests) == 1
    assert statuses(run) == ["settled"] and clean()


@pytest.mark.fault(20)
@pytest.mark.parametrize(("point", "asked"), [("model.before", 1), ("model.after", 2)])
def test_a_model_call_that_was_begun_is_asked_again_and_the_first_counts_as_spent(
    offline, post, work, die_at, point, asked
):
    model = offline({"turns": [say("Done.")]})
    run = post("clerk")

    die_at(point)
    work()

    run.refresh_from_db()
    assert run.status == "completed" and len(model.requests) == asked
    assert statuses(run) == ["presumed", "settled"]
    presumed = ModelCall.objects.get(run=run, status="presumed")
    assert presumed.cost_usd == presumed.reserved_usd > 0
    assert run.cost_usd == sum(call.cost_usd for call in ModelCall.objects.filter(run=run)) and clean()


@pytest.mark.fault(26)
def test_a_death_before_the_intent_of_a_tool_call_leaves_it_to_be_made_once(offline, post, work, die_at):
    offline({"turns": [use(("send", ARGUMENTS["send"])), say("Done.")]})
    run = post("clerk")

    die_at("model.after")
    assert CALLS["send"] == 0
    work()

    run.refresh_from_db()
    assert run.status == "completed" and CALLS["send"] == 1 and run.steps.get(name="send").attempt == 1
    assert clean()


@pytest.mark.parametrize("tool", ["look_up", "put"])
@pytest.mark.parametrize(
    ("point", "calls"),
    [
        pytest.param("tool.before", 1, marks=pytest.mark.fault(27)),
        pytest.param("tool.after", 2, marks=pytest.mark.fault(28)),
    ],
)
def test_reading_and_idempotent_calls_are_made_again_under_the_same_key(
    offline, post, work, die_at, tool, point, calls
):
    offline({"turns": [use((tool, ARGUMENTS[tool])), say("Done.")]})
    run = post("clerk")

    die_at(point)
    key = run.steps.get(name=tool).effect_key
    work()

    run.refresh_from_db()
    step = run.steps.get(name=tool)
    assert run.status == "completed" and CALLS[tool] == calls
    assert (step.attempt, step.effect_key) == (2, key) and clean()
    if tool == "put":
        assert set(KEYS) == {key}


@pytest.mark.parametrize(
    ("point", "calls"),
    [
        pytest.param("tool.before", 0, marks=pytest.mark.fault(27)),
        pytest.param("tool.after", 1, marks=pytest.mark.fault(28)),
    ],
)
def test_an_unsafe_call_is_not_made_again_and_a_person_is_asked(offline, post, work, die_at, point, calls):
    offline({"turns": [use(("send", ARGUMENTS["send"])), say("Done.")]})
    run = post("clerk")

    die_at(point)
    work()

    run.refresh_from_db()
    assert (run.status, CALLS["send"]) == ("waiting_for_confirmation", calls)
    assert PendingAction.objects.get(run=run).kind == "outcome"
    assert run.steps.get(name="send").status == "unknown" and clean()


@pytest.mark.parametrize(
    ("point", "calls"),
    [
        pytest.param("tool.before", 1, marks=pytest.mark.fault(27)),
        pytest.param("tool.after", 1, marks=pytest.mark.fault(28)),
    ],
)
def test_a_verifiable_call_is_made_again_only_if_its_look_up_finds_nothing(offline, post, work, die_at, point, calls):
    offline({"turns": [use(("book", ARGUMENTS["book"])), say("Done.")]})
    run = post("clerk")

    die_at(point)
    step = run.steps.get(name="book")
    if CALLS["book"]:
        HAPPENED[step.effect_key] = "booked 12, says the hotel"
    work()

    run.refresh_from_db()
    assert run.status == "completed" and CALLS["book"] == calls and clean()


@pytest.mark.fault(53)
def test_recovery_that_dies_ten_times_writes_nothing_and_then_converges(offline, post, work, die_at):
    offline({"turns": [use(("send", ARGUMENTS["send"]), ("put", ARGUMENTS["put"])), say("Done.")]})
    run = post("clerk")
    die_at("tool.after")
    before = list(run.steps.order_by("seq").values())

    for _ in range(10):
        Run.objects.filter(pk=run.pk).update(crashes=0)  # the cap on crashes has a test of its own
        die_at("recover.before")
        assert list(run.steps.order_by("seq").values()) == before

    work()
    assert CALLS["send"] == 1 and PendingAction.objects.get(run=run).kind == "outcome"
    assert run.steps.get(name="put").status == "completed" and clean()
