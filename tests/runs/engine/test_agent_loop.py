"""Stories of agents: what is asked, called, recorded and answered."""

import time
from uuid import uuid4

import pytest

from deadletters.models import DeadLetter
from deadletters.replay import preview
from runs.engine import provider
from runs.engine.advance import advance
from runs.engine.outcomes import Completed, Failed, Lost, Retry
from runs.invariants.every import breaches
from runs.models import ModelCall, Run
from runs.operations.replay_run import retry_run
from runs.queue.claim import claim_next
from tests.runs.engine.story import say, trace, use
from tests.testapp.agents import CALLS, FAIL, ToolError, TransientError

pytestmark = pytest.mark.django_db


def test_a_run_without_tools_completes_with_the_text_of_the_last_turn(offline, post, work):
    offline({"turns": [say("Good morning.")]})
    run = post("clerk")

    outcomes = work()

    run.refresh_from_db()
    assert outcomes == [Completed("Good morning.")]
    assert (run.status, run.output, run.fence) == ("completed", "Good morning.", 1)
    assert run.finished_at and run.lease_expires_at is None


def test_every_call_of_a_turn_is_a_step_and_all_are_answered_in_one_message(offline, post, work):
    model = offline({"turns": [use(("look_up", {"key": "a"}), ("put", {"value": 1})), say("Done.")]})
    run = post("clerk")

    work()

    assert trace(run) == [
        ("model_call", "claude-sonnet-5-5", "completed"),
        ("tool_call", "look_up", "completed"),
        ("tool_call", "put", "completed"),
        ("model_call", "claude-sonnet-5-5", "completed"),
    ]
    answer = model.requests[1]["body"]["messages"][-1]
    assert answer["role"] == "user"
    assert [block["content"] for block in answer["content"]] == ['{"key":"a","value":"A"}', "put 1"]


@pytest.mark.fault(24)
def test_invalid_arguments_and_unknown_tools_are_errors_that_the_model_sees(offline, post, work):
    model = offline({"turns": [use(("put", {"value": "x"}), ("no_such", {})), say("Sorry.")]})
    run = post("clerk")

    work()

    run.refresh_from_db()
    results = model.requests[1]["body"]["messages"][-1]["content"]
    assert run.status == "completed"
    assert [r["is_error"] for r in results] == [True, True]
    assert "value" in results[0]["content"] and "no_such" in results[1]["content"]
    assert CALLS["put"] == 0


def test_a_tool_error_is_told_to_the_model_and_the_run_goes_on(offline, post, work):
    FAIL["look_up"] = [ToolError("no such key")]
    model = offline({"turns": [use(("look_up", {"key": "a"})), say("I see.")]})
    run = post("clerk")

    work()

    run.refresh_from_db()
    assert run.status == "completed"
    assert "no such key" in model.requests[1]["body"]["messages"][-1]["content"][0]["content"]


def test_a_read_that_fails_in_passing_is_done_again_without_asking_the_model(offline, post, work):
    FAIL["look_up"] = [TransientError("busy")]
    model = offline({"turns": [use(("look_up", {"key": "a"})), say("Done.")]})
    run = post("clerk")

    first = work()
    _make_due(run)
    work()

    run.refresh_from_db()
    assert isinstance(first[0], Retry)
    assert run.status == "completed" and CALLS["look_up"] == 2 and len(model.requests) == 2
    assert run.attempts == 0, "progress zeroes the counter"


def test_a_continued_run_sends_the_former_transcript_first(offline, post, work):
    model = offline({"turns": [say("One."), say("Two.")]})
    former = post("clerk", "first")
    work()

    post("clerk", "second", continues=former.pk)
    work()

    messages = model.requests[1]["body"]["messages"]
    assert [m["role"] for m in messages] == ["user", "assistant", "user"]
    assert messages[2]["content"][0]["text"] == "second"


@pytest.mark.fault(24)
def test_more_model_calls_than_max_steps_is_a_permanent_failure_with_a_dead_letter(offline, post, work):
    offline({"turns": [use(("look_up", {"key": "a"}))] * 5})
    run = post("hasty")

    outcomes = work()

    run.refresh_from_db()
    assert isinstance(outcomes[0], Failed)
    assert run.status == "failed" and run.last_error["type"] == "StepLimitError"
    assert DeadLetter.objects.get(run_id=run.pk).error_class == "StepLimitError"


def test_an_unknown_price_is_refused_before_anything_is_sent(offline, post, work):
    model = offline({"turns": [say("hi")]})
    run = post("unpriced")

    work()

    run.refresh_from_db()
    assert run.status == "failed" and run.last_error["type"] == "UnknownPriceError"
    assert model.requests == []


def test_a_structured_output_is_an_object_and_a_wrong_one_fails(offline, post, work):
    offline(
        {"when": {"first_user_contains": "good"}, "turns": [say('{"score": 3, "reason": "fine"}')]},
        {"when": {"first_user_contains": "bad"}, "turns": [say('{"score": "high"}')]},
    )
    good, bad = post("judge", "good"), post("judge", "bad")

    work()

    good.refresh_from_db(), bad.refresh_from_db()
    assert good.output == {"score": 3, "reason": "fine"}
    assert bad.status == "failed" and bad.last_error["type"] == "OutputInvalidError"


def test_a_retry_asks_again_for_an_answer_that_was_no_valid_output(offline, post, work, user):
    first = offline({"turns": [say('{"score": "high"}')]})
    run = post("judge")
    work()
    step = run.steps.get()
    assert (step.status, step.error["type"]) == ("failed", "OutputInvalidError")
    assert step.result["content"][0]["text"] == '{"score": "high"}', "what was said is kept for whoever looks"
    told = preview(DeadLetter.objects.get(run_id=run.pk))
    assert (told.reused, told.runs_again) == ([], [1])
    assert told.estimated_cost_usd > 0

    provider.close_client()  # the next model listens elsewhere
    second = offline({"turns": [say('{"score": 3, "reason": "fine"}')]})
    retry_run(run, user=user)
    work()

    run.refresh_from_db()
    assert (run.status, run.output) == ("completed", {"score": 3, "reason": "fine"})
    assert [r["body"] for r in second.requests] == [r["body"] for r in first.requests]
    assert run.cost_usd == sum(call.cost_usd for call in run.model_calls.all())
    assert not list(breaches(look_again_after_s=0))


def test_a_retried_run_continues_after_its_last_good_step(offline, post, work, user):
    refusal = {"kind": "status", "status": 403, "error_type": "permission_error", "message": "no", "times": 1}
    model = offline({"turns": [use(("put", {"value": 1})), say("Done.", faults=[refusal])]})
    run = post("clerk")
    work()
    run.refresh_from_db()
    assert run.status == "failed"

    retry_run(run, user=user)
    work()

    run.refresh_from_db()
    assert run.status == "completed" and CALLS["put"] == 1
    assert len([r for r in model.requests if r["status"] == 200]) == 2
    assert DeadLetter.objects.get(run_id=run.pk).status == "replayed"


def test_the_cost_of_a_run_is_the_sum_of_its_model_calls(offline, post, work):
    offline({"turns": [use(("look_up", {"key": "a"})), say("Done.")]})
    run = post("clerk")

    work()

    run.refresh_from_db()
    calls = ModelCall.objects.filter(run=run)
    assert run.cost_usd == sum(c.cost_usd for c in calls) == sum(s.cost_usd for s in run.steps.all()) > 0
    assert run.output_tokens == sum(c.output_tokens for c in calls)


@pytest.mark.fault(54)
def test_a_suspended_tenant_or_a_disabled_owner_fails_the_run(offline, post, work, tenant, user):
    model = offline({"turns": [say("hi")]})
    run = post("clerk")
    tenant.is_active = False
    tenant.save()

    work()

    run.refresh_from_db()
    assert run.status == "failed" and run.last_error["type"] == "PermissionDeniedError" and model.requests == []


def _make_due(run: Run) -> None:
    from runs.maintenance.wake_timers import wake_timers

    assert wake_timers() == 1, f"run {run.pk} is due"


@pytest.mark.fault(14)
def test_a_process_that_was_stopped_beyond_its_lease_does_nothing_more(offline, post):
    model = offline({"turns": [use(("send", {"to": "bob"}))]})
    run = post("clerk")
    claimed, lease = claim_next(["agents"], worker_id=uuid4(), worker_name="zombie")
    lease.valid_until = time.monotonic() - 0.1  # as after SIGSTOP and SIGCONT, before the heartbeat has caught up

    assert advance(claimed, lease) == Lost()

    run.refresh_from_db()
    assert run.status == "running" and run.steps.count() == 0 and model.requests == []
