"""Answers that the API would not take back, or no row could hold: the run goes on, or fails once and by name."""

from decimal import Decimal

import pytest
from django.db import DataError

from deadletters.models import DeadLetter
from runs import clock
from runs.admin.trace import trace_of
from runs.api.serializers import StepSerializer
from runs.conf import conf
from runs.engine.journal import Journal
from runs.invariants.every import breaches
from runs.maintenance.batches.tend import tend_batches
from runs.maintenance.wake_timers import wake_timers
from runs.models import Artifact, ModelCall, Run
from runs.models.fields import dump_json
from runs.operations.fork_run import fork_run
from runs.operations.replay_run import retry_run
from tests.runs.engine.story import say, trace, use
from tests.testapp.agents import CALLS, Clerk, Hasty, Squares

pytestmark = pytest.mark.django_db

SECRET = "sk-ant-" + "canary" * 3
CALL = {"type": "tool_use", "id": "call_0", "name": "put", "input": {"value": 1}}
ODD = {
    "an empty text": [{"type": "text", "text": ""}, CALL],
    "a blank text": [{"type": "text", "text": " \n"}, CALL],
    "a name outside the pattern": [{**CALL, "name": "functions.put:0"}],
    "a name of 10,000 letters": [{**CALL, "name": "p" * 10_000}],
    "no name": [{**CALL, "name": None}],
    "an id outside the pattern": [{**CALL, "id": "functions.put:0"}],
    "an id of 126 letters": [{**CALL, "id": "c" * 126}],
    "an id with a NUL": [{**CALL, "id": "c\x00"}],
    "no id": [{"type": "tool_use", "name": "put", "input": {"value": 1}}],
    "one id twice": [CALL, CALL],
    "an input that is a list": [{**CALL, "input": [1]}],
    "an input that is a word": [{**CALL, "input": "value"}],
    "a block that nobody knows": [{"type": "hologram", "light": 1}, CALL],
    "more fields than there are": [{"type": "text", "text": "Hm.", "index": 0}, {**CALL, "index": 1}],
    "a thought without a signature": [{"type": "thinking", "thinking": "Hm.", "signature": ""}, CALL],
    "a thought at the end": [CALL, {"type": "thinking", "thinking": "Hm."}],
}


@pytest.fixture(autouse=True)
def _no_hurry(settings):
    settings.AGENTOPS = {**settings.AGENTOPS, "lease_s": 120.0}  # nobody beats here


def turn(content, **more):
    return {"content": content, "as_written": True, **more}


def finish(work, lane="standard"):
    work()
    for _ in range(8 if lane == "batch" else 0):
        clock.advance(conf().batch_gather_s + conf().batch_poll_s)
        tend_batches()
        work()


@pytest.mark.parametrize("lane", ["standard", "batch"])
@pytest.mark.parametrize("content", ODD)
def test_an_answer_that_the_api_refuses_as_input_does_not_end_the_run(offline, post, work, content, lane):
    model = offline({"turns": [turn(ODD[content]), turn(ODD[content]), say("Done.")]})
    run = post("clerk", lane=lane)

    finish(work, lane)

    run.refresh_from_db()
    assert (run.status, run.output) == ("completed", "Done.")
    assert [request["status"] for request in model.requests] == [200] * 3
    ids = run.steps.filter(kind="tool_call").values_list("tool_use_id", flat=True)
    assert len(set(ids)) == len(ids) >= 2, "tools tell calls by their ids"
    assert list(breaches(look_again_after_s=0)) == []


def test_a_pause_that_ends_in_blanks_goes_on(offline, post, work):
    model = offline(
        {"turns": [turn([{"type": "text", "text": "Let me see. "}], stop_reason="pause_turn"), say("Done.")]}
    )
    run = post("clerk")

    work()

    run.refresh_from_db()
    assert run.output == "Done." and model.requests[1]["body"]["messages"][1]["content"][0]["text"] == "Let me see."


def test_calls_of_an_agent_without_tools_are_told_in_words(offline, post, work):
    model = offline({"turns": [turn([CALL]), say("Done.")]})
    run = post("unarmed")

    work()

    run.refresh_from_db()
    assert run.output == "Done."
    assert {b["type"] for m in model.requests[1]["body"]["messages"] for b in m["content"]} == {"text"}


# Thinking

THOUGHT = {"type": "thinking", "thinking": "The key is put.", "signature": ""}


@pytest.mark.parametrize("lane", ["standard", "batch"])
def test_thoughts_are_sent_back_byte_for_byte_and_never_shown(offline, post, work, lane):
    hidden = {"type": "redacted_thinking", "data": "RW5j"}
    offline(
        {"turns": [{"content": [THOUGHT, hidden, CALL]}, {"content": [THOUGHT, {**CALL, "id": "b"}]}, say("Done.")]}
    )
    run = post("clerk", lane=lane)

    finish(work, lane)

    run.refresh_from_db()
    kept = run.steps.get(seq=1).result["content"]
    assert run.status == "completed" and kept[0]["thinking"] == THOUGHT["thinking"] and len(kept[0]["signature"]) == 64
    steps = run.steps.order_by("seq")
    shown = dump_json(
        [
            StepSerializer(steps, many=True).data,
            [str(view) for view in trace_of(run, first=1, count=9, now=clock.now())],
        ]
    )
    assert THOUGHT["thinking"] not in shown and kept[0]["signature"] not in shown and kept[1]["data"] not in shown


@pytest.mark.parametrize("lane", ["standard", "batch"])
@pytest.mark.parametrize("words", [f"It is {SECRET}.", "a\x00b"], ids=["a secret", "NUL"])
def test_a_thought_that_cannot_be_kept_as_it_is_is_left_out_whole(offline, post, work, lane, words):
    thought = {**THOUGHT, "thinking": words}
    answers = [{"content": [thought, CALL]}, {"content": [THOUGHT, {**CALL, "id": "b"}]}, say("Done.")]
    model = offline({"turns": answers})
    run = post("clerk", lane=lane)

    finish(work, lane)

    run.refresh_from_db()
    step = run.steps.get(seq=1)
    assert run.status == "completed" and step.result["left_out"] == ["thinking"]
    sent = [[b["type"] for b in r["body"]["messages"][1]["content"]] for r in model.requests[1:]]
    assert sent == [["tool_use"], ["tool_use"]]
    assert run.steps.get(seq=3).result["content"][0]["type"] == "thinking", "later ones are bound to what was sent"


def test_a_thought_behind_redacted_words_is_left_out_too(offline, post, work):
    content = [{"type": "text", "text": f"It is {SECRET}."}, THOUGHT, CALL]
    offline({"turns": [{"content": content}, say("Done.")]})
    run = post("clerk")

    work()

    run.refresh_from_db()
    assert run.status == "completed" and run.steps.get(seq=1).result["left_out"] == ["thinking"]


# What no column holds


@pytest.mark.parametrize("lane", ["standard", "batch"])
def test_ids_and_reasons_that_are_too_long_are_cut_in_the_ledger(offline, post, work, lane):
    message = {
        "id": "m" * 150 + "\x00",
        "content": [{"type": "text", "text": "Hi."}],
        "stop_reason": "r" * 100,
        "usage": {"input_tokens": 9, "output_tokens": 3},
    }
    faults = [
        {"kind": "body", "body": dump_json(message)},
        {"kind": "batch_result", "result": {"type": "succeeded", "message": message}},
    ]
    model = offline({"turns": [{**say("never"), "faults": faults}]})
    run = post("clerk", lane=lane)

    finish(work, lane)

    run.refresh_from_db()
    call = ModelCall.objects.get(run=run)
    assert (run.status, run.last_error["type"]) == ("failed", "ModelStoppedError")
    assert (call.status, call.message_id, call.stop_reason) == ("settled", "m" * 100, "r" * 64)
    assert run.cost_usd == call.cost_usd > 0 and len(model.requests) == 1


MALFORMED = {
    "no message": {"type": "succeeded"},
    "a page": {"type": "succeeded", "message": "<html>"},
    "no content": {"type": "succeeded", "message": {"id": "m", "content": None, "stop_reason": "end_turn"}},
    "no reason": {"type": "succeeded", "message": {"id": "m", "content": []}},
    "an unknown end": {"type": "evaporated"},
    "nothing": {},
    "an error of nothing": {"type": "errored", "error": None},
    "an error in words": {"type": "errored", "error": "gone"},
}


@pytest.mark.parametrize("result", MALFORMED)
def test_a_result_of_a_batch_that_cannot_be_read_is_asked_for_again(offline, post, work, result):
    fault = {"kind": "batch_result", "result": MALFORMED[result]}
    offline({"turns": [{**say("Hi."), "faults": [fault]}]})
    run = post("clerk", lane="batch")

    for _ in range(3):
        finish(work, "batch")
        clock.advance(60)
        wake_timers()

    run.refresh_from_db()
    assert (run.status, run.output) == ("completed", "Hi.")
    assert list(breaches(look_again_after_s=0)) == []


@pytest.mark.parametrize("at", ["the answer", "the end"])
def test_what_cannot_be_written_fails_the_run_once_and_by_name(offline, post, work, user, monkeypatch, at):
    """Whatever the cause: here the end of the run holds text that no database takes."""
    answer = say("Hi.") if at == "the end" else use(("put", {"value": 1}))
    model = offline({"turns": [answer, say("Hi.")]})
    run = post("clerk")
    original = Journal._write_rows

    def refuse(self, *, only, to, **columns):
        answered = any(step.kind == "model_call" and step.result for step in self._gathered.steps.values())
        if "output" in columns if at == "the end" else answered:
            raise DataError("value too long for type character varying(100)")
        original(self, only=only, to=to, **columns)

    monkeypatch.setattr(Journal, "_write_rows", refuse)
    work()

    run.refresh_from_db()
    call = ModelCall.objects.get(run=run)
    assert (run.status, run.last_error["type"], len(model.requests)) == ("failed", "UnwritableError", 1)
    assert "too long" in run.last_error["message"] and CALLS["put"] == 0
    assert call.status in ("presumed", "settled") and run.cost_usd == call.cost_usd > 0
    assert DeadLetter.objects.get(run_id=run.pk).error_class == "UnwritableError"
    assert list(breaches(look_again_after_s=0)) == []
    monkeypatch.setattr(Journal, "_write_rows", original)
    retry_run(run, user=user)
    work()
    run.refresh_from_db()
    assert run.status == "completed"


@pytest.mark.parametrize("output", ["x" * 50_000_000, {"x": "x" * 2_000_000}], ids=["text", "object"])
def test_an_output_that_nobody_reads_at_once_is_kept_aside(post, work, monkeypatch, output):
    monkeypatch.setattr(Squares, "run", lambda self, context, **input: output)
    run = post("squares", input={"upto": 1})

    work()

    run.refresh_from_db()
    whole = Artifact.objects.get(run=run)
    shown = run.output if isinstance(output, str) else run.output["text"]
    assert run.status == "completed" and len(shown) < 101_000 and whole.size >= 2_000_000


# People and prompts


@pytest.mark.parametrize("prompt", ["", " \n", None, ["hello"]], ids=["empty", "blank", "None", "a list"])
def test_a_prompt_that_says_nothing_fails_the_run_by_name(offline, post, work, monkeypatch, prompt):
    model = offline({"turns": [say("Hi.")]})
    monkeypatch.setattr(Clerk, "prompt", lambda self, input: prompt)
    run = post("clerk")

    work()

    run.refresh_from_db()
    assert (run.status, run.last_error["type"]) == ("failed", "PromptInvalidError")
    assert "prompt() of clerk" in run.last_error["message"] and not model.requests and run.cost_usd == 0


# Limits of steps


def test_so_many_steps_are_so_many_requests_however_the_run_goes_on(offline, post, work, user):
    asking = use(("look_up", {"key": "k"}))
    model = offline({"turns": [asking] * 9})
    run = post("hasty")

    work()

    run.refresh_from_db()
    assert (Hasty.max_steps, len(model.requests)) == (2, 2)
    assert (run.status, run.last_error["type"]) == ("failed", "StepLimitError")
    retry_run(run, user=user)
    work()
    run.refresh_from_db()
    assert (run.status, len(model.requests)) == ("failed", 2), "no more after a retry"
    fork = fork_run(run, user=user, from_step=3)
    work()
    fork.refresh_from_db()
    assert (fork.status, len(model.requests)) == ("failed", 3), "a fork counts the steps that it reuses"
    assert [kind for kind, _, _ in trace(fork)].count("model_call") == 2


def test_two_steps_suffice_for_two_answers(offline, post, work):
    model = offline({"turns": [use(("look_up", {"key": "k"})), say("Done.")]})
    run = post("hasty")

    work()

    run.refresh_from_db()
    assert (run.status, len(model.requests)) == ("completed", 2)


def test_a_resumed_run_counts_what_was_asked_before(offline, post, work):
    asking = use(("look_up", {"key": "k"}))
    model = offline({"turns": [{**asking, "faults": [{"kind": "overloaded"}]}, *[asking] * 9]})
    run = post("hasty")

    for _ in range(4):
        work()
        clock.advance(60)
        wake_timers()

    run.refresh_from_db()
    assert (run.last_error["type"], len([r for r in model.requests if r["status"] == 200])) == ("StepLimitError", 2)


def test_an_unreadable_answer_in_passing_costs_one_try(offline, post, work):
    model = offline({"turns": [{**say("Hi."), "faults": [{"kind": "body", "body": "<html>"}]}]})
    run = post("clerk", max_cost_usd=Decimal(1))

    work()
    clock.advance(60)
    wake_timers()
    work()

    run.refresh_from_db()
    assert (run.status, len(model.requests), Run.objects.count()) == ("completed", 2, 1)
