"""Every way in which the model may stop, and every error of the provider, through the real SDK."""

import pytest

from runs import clock
from runs.engine.outcomes import Completed, Failed, Retry
from runs.maintenance.wake_timers import wake_timers
from runs.models import ModelCall
from runs.operations.replay_run import retry_run
from tests.testapp.agents import CALLS

pytestmark = pytest.mark.django_db

TEXT = {"content": [{"type": "text", "text": "All good."}]}
TOOL = {"type": "tool_use", "name": "look_up", "input": {"key": "a"}}


@pytest.mark.parametrize("reason", ["end_turn", "stop_sequence"])
def test_the_turn_ends_and_so_does_the_run(offline, post, work, reason):
    offline({"turns": [{**TEXT, "stop_reason": reason}]})
    post("clerk")

    assert work() == [Completed("All good.")]


@pytest.mark.parametrize(
    ("reason", "error"),
    [
        ("refusal", "ModelRefusedError"),
        ("model_context_window_exceeded", "ModelStoppedError"),
        ("something_new", "ModelStoppedError"),
    ],
)
def test_a_stop_from_which_nobody_continues_fails_the_run_and_runs_no_tool(offline, post, work, user, reason, error):
    model = offline({"turns": [{"content": [TOOL], "stop_reason": reason}, TEXT]})
    run = post("clerk")

    work()

    run.refresh_from_db()
    assert (run.status, run.last_error["type"]) == ("failed", error)
    assert CALLS["look_up"] == 0 and run.cost_usd > 0, "an answer costs, whatever it is"
    retry_run(run, user=user)
    work()
    assert len(model.requests) == 2, "a replay asks again: the refused answer was no good step"


@pytest.mark.parametrize("reason", ["pause_turn", "compaction"])
def test_a_paused_turn_is_sent_back_unchanged_and_goes_on(offline, post, work, reason):
    pause = {"content": [{"type": "text", "text": "Searching."}], "stop_reason": reason}
    model = offline({"turns": [pause, TEXT]})
    run = post("clerk")

    work()

    run.refresh_from_db()
    assert run.status == "completed" and run.output == "All good."
    assert [m["role"] for m in model.requests[1]["body"]["messages"]] == ["user", "assistant"]


def test_a_model_that_only_ever_pauses_fails(offline, post, work):
    pause = {"content": [{"type": "text", "text": "Hm."}], "stop_reason": "pause_turn"}
    offline({"turns": [pause] * 20})
    run = post("clerk")

    work()

    run.refresh_from_db()
    assert run.status == "failed" and run.last_error["type"] == "ModelStoppedError"


@pytest.mark.fault(23)
def test_a_truncated_turn_runs_no_tool_and_is_asked_again_with_more_room(offline, post, work, monkeypatch):
    long = {"content": [{"type": "text", "text": "word " * 8000}, TOOL]}
    model = offline({"turns": [long, TEXT]})
    run = post("clerk")

    work()

    run.refresh_from_db()
    asked = [r["body"]["max_tokens"] for r in model.requests[:3]]
    assert asked == [4096, 8192, 16384] and CALLS["look_up"] == 1
    assert run.status == "completed"
    assert ModelCall.objects.filter(run=run, stop_reason="max_tokens").count() == 2
    assert run.steps.get(seq=1).attempt == 3


PASSING = [
    {"kind": "rate_limited", "retry_after_s": 1},
    {"kind": "overloaded"},
    {"kind": "server_error"},
    {"kind": "sse_error"},
    {"kind": "cut"},
    {"kind": "cut", "reset": True},
    {"kind": "truncate", "after_events": 3},
    {"kind": "refused_before_response"},
]


@pytest.mark.fault(21)
@pytest.mark.parametrize("fault", PASSING, ids=lambda f: f["kind"])
def test_passing_trouble_is_tried_again_later_and_the_worker_is_free_meanwhile(offline, post, work, fault):
    model = offline({"turns": [{**TEXT, "faults": [fault]}]})
    run = post("clerk")

    outcomes = work()

    run.refresh_from_db()
    assert isinstance(outcomes[0], Retry) and run.status == "retrying" and run.worker is None
    assert run.attempts == 1 and run.next_attempt_at and run.last_error["message"]
    clock.advance(2)
    assert wake_timers() == 1
    work()
    run.refresh_from_db()
    assert run.status == "completed" and len(model.requests) == 2
    assert run.cost_usd == sum(call.cost_usd for call in ModelCall.objects.filter(run=run))


@pytest.mark.fault(21)
@pytest.mark.parametrize(("asked_s", "waited_s"), [(30, 30), (100_000, 3600)], ids=["kept", "cut to the most"])
def test_a_pause_that_the_provider_asks_for_is_kept(offline, post, work, asked_s, waited_s):
    offline({"turns": [{**TEXT, "faults": [{"kind": "rate_limited", "retry_after_s": asked_s}]}]})
    run = post("clerk")

    work()

    run.refresh_from_db()
    pause_s = (run.next_attempt_at - run.created_at).total_seconds()
    assert run.status == "retrying" and waited_s <= pause_s < waited_s * 1.1 + 5
    assert wake_timers() == 0


@pytest.mark.fault(23)
@pytest.mark.parametrize("fault", [{"kind": "cut", "after_events": 4}, {"kind": "truncate", "after_events": 5}])
def test_a_stream_that_breaks_off_in_a_tool_call_never_makes_that_call(offline, post, work, fault):
    offline({"turns": [{"content": [TEXT["content"][0], TOOL], "faults": [fault]}, TEXT]})
    run = post("clerk")

    work()

    run.refresh_from_db()
    assert run.status == "retrying" and CALLS["look_up"] == 0
    assert [(step.kind, step.status) for step in run.steps.all()] == [("model_call", "planned")]


FINAL = [
    {"kind": "status", "status": 400, "error_type": "invalid_request_error", "message": "bad"},
    {"kind": "status", "status": 401, "error_type": "authentication_error", "message": "key"},
    {"kind": "status", "status": 403, "error_type": "permission_error", "message": "no"},
    {"kind": "status", "status": 404, "error_type": "not_found_error", "message": "model"},
    {"kind": "spend_limit_400"},
    {"kind": "rate_limited", "error_code": "enforced_spend_limit_reached"},
]


@pytest.mark.parametrize("fault", FINAL, ids=lambda f: f"{f['kind']} {f.get('status', '')}")
def test_permanent_trouble_fails_at_once_and_costs_nothing(offline, post, work, fault):
    model = offline({"turns": [{**TEXT, "faults": [fault]}]})
    run = post("clerk")

    outcomes = work()

    run.refresh_from_db()
    assert isinstance(outcomes[0], Failed) and run.status == "failed"
    assert len(model.requests) == 1 and run.cost_usd == 0


@pytest.mark.fault(21)
def test_trouble_that_does_not_pass_becomes_a_dead_letter_after_the_last_try(offline, post, work):
    from deadletters.models import DeadLetter

    model = offline({"turns": [{**TEXT, "faults": [{"kind": "overloaded", "times": -1}]}]})
    run = post("clerk")

    for _ in range(10):
        work()
        wake_timers()

    run.refresh_from_db()
    assert run.status == "failed" and len(model.requests) == 4, "a try after each of the three pauses of the tests"
    letter = DeadLetter.objects.get(run_id=run.pk)
    assert letter.attempts == 4 and letter.step == 1


def test_a_call_that_broke_off_is_presumed_to_have_cost_its_reserve(offline, post, work):
    offline({"turns": [{**TEXT, "faults": [{"kind": "cut"}]}]})
    run = post("clerk")

    work()

    call = ModelCall.objects.get(run=run)
    run.refresh_from_db()
    assert call.status == "presumed" and call.message_id
    assert run.cost_usd == call.cost_usd == call.reserved_usd > 0


@pytest.mark.parametrize("fault", [{"kind": "refused_before_response"}, {"kind": "server_error"}], ids=str)
def test_a_call_that_was_sent_and_not_refused_is_presumed_to_have_cost_its_reserve(offline, post, work, fault):
    offline({"turns": [{**TEXT, "faults": [fault]}]})
    run = post("clerk")

    work()

    call = ModelCall.objects.get(run=run)
    run.refresh_from_db()
    assert call.status == "presumed"
    assert run.cost_usd == call.cost_usd == call.reserved_usd > 0


@pytest.mark.parametrize("fault", [{"kind": "overloaded"}, {"kind": "rate_limited", "retry_after_s": 1}], ids=str)
def test_a_call_that_was_refused_costs_nothing(offline, post, work, fault):
    offline({"turns": [{**TEXT, "faults": [fault]}]})
    run = post("clerk")

    work()

    call = ModelCall.objects.get(run=run)
    assert (call.status, call.cost_usd) == ("released", 0)


@pytest.mark.fault(24)
def test_an_answer_that_the_sdk_cannot_read_is_asked_for_again(offline, post, work):
    offline({"turns": [{"content": [{**TOOL, "input": {"key": "\ud800"}}]}, TEXT]})
    run = post("clerk")

    outcomes = work()

    run.refresh_from_db()
    assert isinstance(outcomes[0], Retry) and run.last_error["type"] == "BrokenStreamError"
    assert CALLS["look_up"] == 0
