"""The preview of a replay: what it says is what the replay then does."""

from decimal import Decimal
from uuid import uuid4

import pytest

from deadletters.decisions import discard
from deadletters.models import DeadLetter
from deadletters.replay import preview, replay
from runs.errors import InvalidInputError, RunsError
from runs.models import ModelCall, Run
from runs.operations.fork_run import fork_run
from runs.operations.preview_replay import preview_replay
from tests.runs.engine.story import say, use
from tests.testapp.agents import CALLS, FAIL

pytestmark = pytest.mark.django_db

REFUSAL = {"kind": "status", "status": 403, "error_type": "permission_error", "message": "no", "times": 1}


@pytest.fixture
def fail_run(offline, post, work):
    """Make a run of two effects and two answers, and of a third question that the provider refuses so often."""

    def fail_run(refusals):
        CALLS.clear()
        turns = [
            use(("send", {"to": "bob"})),
            use(("look_up", {"key": "a"}), ("put", {"value": 2})),
            say("Done.", faults=[REFUSAL | {"times": refusals}]),
        ]
        offline({"turns": turns})
        run = post("clerk")
        work()
        run.refresh_from_db()
        assert run.status == "failed" and run.steps.count() == 6
        return run

    return fail_run


@pytest.fixture
def failed(fail_run):
    return fail_run(1)


@pytest.fixture
def letter(failed):
    return DeadLetter.objects.get(run_id=failed.pk)


def names(effects):
    return [(one["seq"], one["tool"]) for one in effects]


def average_usd(run):
    costs = ModelCall.objects.filter(run=run, status="settled").values_list("cost_usd", flat=True)
    return sum(costs) / len(costs)


def test_a_continued_run_does_again_only_what_failed(failed, letter):
    told = preview(letter)

    assert (told.reused, told.runs_again, told.refusal) == ([1, 2, 3, 4, 5], [6], "")
    assert names(told.effects_done) == [(2, "send"), (5, "put")]
    assert told.effects_done[0]["effect_key"] == f"{failed.pk.hex}-2"
    assert told.effects_unknown == told.effects_repeated == []
    assert abs(told.estimated_cost_usd - average_usd(failed)) < Decimal("0.0000001")


def test_from_a_step_on_effects_that_were_done_would_be_repeated(failed, letter):
    told = preview(letter, from_step=5)  # inside the second turn

    assert (told.reused, told.runs_again) == ([1, 2], [3, 4, 5, 6])
    assert (names(told.effects_done), names(told.effects_repeated)) == ([(2, "send")], [(5, "put")])
    assert abs(told.estimated_cost_usd - 2 * average_usd(failed)) < Decimal("0.0000001")


def test_with_new_input_everything_is_done_again(letter):
    told = preview(letter, new_input={"text": "other"})

    assert (told.reused, told.runs_again, told.effects_done) == ([], [1, 2, 3, 4, 5, 6], [])
    assert names(told.effects_repeated) == [(2, "send"), (5, "put")]
    assert told == preview(letter, from_step=1)


@pytest.mark.parametrize("from_step", [None, 1, 5, 6])
def test_what_is_told_is_what_happens(failed, letter, user, work, from_step):
    told, before = preview(letter, from_step=from_step), CALLS["send"]
    kept = {seq: str(failed.steps.get(seq=seq).result) for seq in told.reused}

    run = Run.objects.get(pk=replay(letter, user=user, from_step=from_step))
    work()

    run.refresh_from_db()
    assert run.status == "completed"
    assert {seq: str(run.steps.get(seq=seq).result) for seq in told.reused} == kept
    assert CALLS["send"] - before == sum(tool == "send" for _, tool in names(told.effects_repeated))
    paid_anew = ModelCall.objects.filter(run=run, status="settled", step__seq__in=told.runs_again)
    assert paid_anew.count() == failed.steps.filter(kind="model_call", seq__in=told.runs_again).count()


def test_a_fork_that_has_asked_nothing_is_estimated_by_its_original(fail_run, user, work):
    fork = fork_run(fail_run(2), user=user, from_step=6)
    work()

    told = preview(DeadLetter.objects.get(run_id=fork.pk))

    assert (told.reused, told.runs_again) == ([1, 2, 3, 4, 5], [6])
    assert told.estimated_cost_usd > 0


def test_what_may_have_happened_is_neither_reused_nor_done_again(post, work):
    FAIL["square-2"] = [ValueError("no")]
    run = post("squares", input={"upto": 3, "effect": "unsafe"})
    work()
    run.steps.filter(seq=1).update(status="unknown")

    told = preview_replay(run.pk)
    assert (told.reused, told.runs_again, names(told.effects_unknown)) == ([], [2], [(1, "square-1")])
    assert preview_replay(run.pk, from_step=1).refusal == ""
    assert "step 1 (square-1) is unknown" in preview_replay(run.pk, from_step=2).refusal


def test_a_preview_says_why_a_replay_would_be_refused(letter, failed, user, settings):
    assert preview_replay(uuid4()).refusal == "the run is gone"
    settings.AGENTOPS = {**settings.AGENTOPS, "replays_max": 0}
    assert "0 are allowed" in preview(letter).refusal
    discard(letter, user=user, note="known")
    assert "already discarded by" in preview(letter).refusal

    Run.objects.filter(pk=failed.pk).update(status="completed")
    assert "only a failed run goes on" in preview_replay(failed.pk).refusal


@pytest.mark.parametrize("asked", [{"from_step": 1}, {"new_input": {"text": "other"}}])
def test_what_no_deploy_knows_any_more_is_not_begun_anew_and_the_preview_says_so(letter, failed, user, asked):
    Run.objects.filter(pk=failed.pk).update(job_type="gone")

    assert "'gone'" in preview(letter, **asked).refusal
    with pytest.raises(RunsError):
        replay(letter, user=user, **asked)


def test_a_step_that_is_not_there_is_named(letter):
    with pytest.raises(InvalidInputError, match="from_step"):
        preview(letter, from_step=7)
    with pytest.raises(InvalidInputError, match="from_step"):
        preview(letter, from_step=2, new_input={"text": "other"})
