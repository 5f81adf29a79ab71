"""Runs of the batch lane: they wait as rows, are answered together, and pay half."""

import time
from decimal import Decimal

import pytest

from deadletters.models import DeadLetter
from runs import clock
from runs.engine.outcomes import InBatch
from runs.errors import InvalidInputError
from runs.maintenance.batches.tend import tend_batches
from runs.models import BatchedCall, MessageBatch, ModelCall, Run
from runs.operations.cancel_run import cancel_run
from runs.operations.why import why

pytestmark = pytest.mark.django_db

LOOK_UP = {"type": "tool_use", "id": "toolu_1", "name": "look_up", "input": {"key": "a"}}


def states():
    return sorted(Run.objects.values_list("status", flat=True))


def test_a_run_waits_for_its_batch_holding_nothing(offline, say, post, work):
    model = offline(say("Hi"))
    run = post("clerk", lane="batch")

    outcomes = work()

    run.refresh_from_db()
    call = ModelCall.objects.get()
    assert outcomes == [InBatch()]
    assert (run.status, run.worker, run.lease_expires_at, run.queue_lane.running) == (
        "waiting_for_batch",
        None,
        None,
        0,
    )
    assert (call.status, call.tier, call.batched.custom_id) == ("started", "batch", call.pk.hex)
    assert run.running_s > 0 and model.requests == []


def test_a_run_is_answered_turn_by_turn_and_pays_half(offline, say, post, finish):
    model = offline(say(LOOK_UP, "Done."))
    run = post("clerk", lane="batch")

    finish(4)

    run.refresh_from_db()
    kinds = list(run.steps.values_list("kind", "status"))
    assert (run.status, run.output) == ("completed", "Done.")
    assert kinds == [("model_call", "completed"), ("tool_call", "completed"), ("model_call", "completed")]
    calls = ModelCall.objects.filter(run=run)
    assert {(call.status, call.tier) for call in calls} == {("settled", "batch")}
    assert all(call.cost_usd == call.saved_by_batch_usd > 0 for call in calls)
    assert run.cost_usd == sum(call.cost_usd for call in calls)
    assert len(model.requests) == 2


def test_the_prompt_is_kept_for_an_hour(offline, say, post, finish):
    model = offline(say("Hi"))
    post("hasty", lane="batch")

    finish(2)

    assert model.requests[0]["body"]["cache_control"] == {"type": "ephemeral", "ttl": "1h"}


def test_what_was_kept_of_a_request_is_dropped_when_it_is_answered(offline, say, post, finish):
    offline(say("Hi"))
    post("clerk", lane="batch")

    finish(2)

    assert BatchedCall.objects.values_list("body", "result", "end").get() == ("", None, "succeeded")


def test_many_runs_share_a_batch(offline, say, post, work, finish):
    offline(say("Hi"))
    for number in range(5):
        post("clerk", lane="batch", text=f"number {number}")

    finish(2)

    batch = MessageBatch.objects.get()
    assert states() == ["completed"] * 5
    assert (batch.status, batch.requests, batch.succeeded) == ("collected", 5, 5)


def test_calls_wait_for_others_before_they_are_sent(offline, say, post, work):
    offline(say("Hi"))
    post("clerk", lane="batch")
    work()

    tend_batches()
    assert not MessageBatch.objects.exists()
    clock.advance(61)
    tend_batches()

    assert MessageBatch.objects.get().status == "in_progress"


@pytest.mark.parametrize("limits", [{"batch_max_calls": 2}, {"batch_max_bytes": 700}])
def test_enough_calls_are_sent_at_once_as_several_batches(offline, say, post, work, tend, settings, limits):
    settings.AGENTOPS = limits
    offline(say("Hi"))
    for _ in range(5):
        post("talker", lane="batch")
    work()

    tend_batches()

    assert list(MessageBatch.objects.values_list("requests", flat=True)) == [2, 2]
    assert BatchedCall.objects.filter(batch=None).count() == 1
    tend(3), work()
    assert states() == ["waiting_for_confirmation"] * 5


def test_a_job_type_may_choose_the_lane_and_a_request_another(offline, say, post, monkeypatch):
    from tests.testapp.agents import Clerk

    monkeypatch.setattr(Clerk, "lane", "batch")

    assert (post("clerk").lane, post("clerk", lane="standard").lane) == ("batch", "standard")


def test_a_plain_job_makes_no_calls_for_a_batch(post):
    with pytest.raises(InvalidInputError, match="lane"):
        post("squares", lane="batch", input={"upto": 1})


def test_a_refused_request_fails_its_run_and_costs_nothing(offline, say, post, finish):
    offline(say("Hi", faults=[{"kind": "status", "status": 400, "error_type": "invalid_request_error", "times": -1}]))
    run = post("clerk", lane="batch")

    finish(2)

    run.refresh_from_db()
    assert (run.status, run.cost_usd, run.last_error["type"]) == ("failed", 0, "APIStatusError")
    assert ModelCall.objects.get().status == "released"
    assert DeadLetter.objects.get().error_kind == "permanent"


@pytest.mark.parametrize(("kind", "end"), [("overloaded", "errored"), ("batch_expired", "expired")])
def test_what_failed_in_passing_is_tried_again_by_the_retry_policy(offline, say, post, work, tend, finish, kind, end):
    offline(say("Hi", faults=[{"kind": kind}]))
    run = post("clerk", lane="batch")

    work(), tend(), work()

    run.refresh_from_db()
    assert (run.status, run.attempts, run.cost_usd) == ("retrying", 1, 0)
    assert list(BatchedCall.objects.values_list("end", flat=True)) == [end]
    finish(3)
    run.refresh_from_db()
    assert run.status == "completed"
    assert sorted(ModelCall.objects.values_list("attempt", "status")) == [(1, "released"), (2, "settled")]


def test_a_truncated_answer_is_asked_for_again_with_more_room(offline, say, post, finish):
    offline({"turns": [{"content": [{"type": "text", "text": "word " * 6000}]}]})
    run = post("clerk", lane="batch")

    finish(4)

    run.refresh_from_db()
    assert run.status == "completed"
    assert list(ModelCall.objects.values_list("max_tokens", "stop_reason")) == [
        (4096, "max_tokens"),
        (8192, "end_turn"),
    ]


def test_a_refusal_fails_the_run_and_is_paid(offline, post, finish):
    offline({"turns": [{"content": [{"type": "text", "text": "No."}], "stop_reason": "refusal"}]})
    run = post("clerk", lane="batch")

    finish(2)

    run.refresh_from_db()
    assert (run.status, run.last_error["type"]) == ("failed", "ModelRefusedError")
    assert run.cost_usd > 0


def test_a_budget_that_is_too_small_asks_before_a_call_is_laid_in(offline, say, post, work):
    offline(say("Hi"))
    run = post("thrifty", lane="batch")

    work()

    run.refresh_from_db()
    assert run.status == "waiting_for_confirmation" and not BatchedCall.objects.exists()


def test_a_run_says_in_which_batch_its_call_lies(offline, say, post, work, tend):
    offline(say("Hi"), batch_s=60)
    run = post("clerk", lane="batch")
    work()
    run.refresh_from_db()
    (waiting,) = why(run)
    assert waiting.code == "batch" and "waits for the next message batch since 20" in waiting.message

    tend(1)

    (lying,) = why(run)
    assert (
        lying.code == "batch"
        and f"lies in message batch {MessageBatch.objects.get().provider_id} since" in lying.message
    )


def test_a_run_that_is_cancelled_before_its_call_was_sent_pays_nothing(offline, say, post, work, tend, user):
    model = offline(say("Hi"))
    run = post("clerk", lane="batch")
    work()

    cancel_run(run, user=user)
    tend()

    run.refresh_from_db()
    assert (run.status, run.cost_usd, ModelCall.objects.get().status) == ("cancelled", 0, "released")
    assert model.requests == [] and not MessageBatch.objects.exists()


def test_what_a_cancelled_run_is_presumed_to_cost_is_put_right_by_the_result(offline, say, post, work, tend, user):
    offline(say("Hi"), batch_s=0.5)
    run = post("clerk", lane="batch")
    work(), tend(1)

    run = cancel_run(run, user=user)
    call = ModelCall.objects.get()
    assert (run.status, run.cost_usd, call.status) == ("cancelled", call.reserved_usd, "presumed")
    time.sleep(0.6)
    tend()

    run.refresh_from_db(), call.refresh_from_db()
    assert (run.status, call.status) == ("cancelled", "settled")
    assert 0 < run.cost_usd == call.cost_usd < call.reserved_usd
    assert run.output_tokens == call.output_tokens > 0


def test_a_run_that_is_cancelled_with_its_result_at_hand_pays_what_it_cost(offline, say, post, work, tend, user):
    offline(say("Hi"))
    run = post("clerk", lane="batch")
    work(), tend()
    run.refresh_from_db()
    assert run.status == "queued"

    cancel_run(run, user=user)

    run.refresh_from_db()
    call = ModelCall.objects.get()
    assert (run.status, call.status) == ("cancelled", "settled")
    assert 0 < run.cost_usd == call.cost_usd
    assert isinstance(run.cost_usd, Decimal)
