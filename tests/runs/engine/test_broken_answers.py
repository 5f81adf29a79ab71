"""Answers that proxies have lost a part of, or made up: each is an answer, the error that it tells, or a broken stream.

Through the real SDK, against a server that sends them word for word.
"""

import json

import anthropic
import pytest

from runs import clock
from runs.conf import conf
from runs.engine.classifier import classification_of, classify
from runs.engine.outcomes import Completed, Retry
from runs.engine.provider import Progress, ask
from runs.errors import BrokenStreamError
from runs.invariants.every import breaches
from runs.maintenance.batches.tend import tend_batches
from runs.models import ModelCall
from runs.states import ErrorClass
from tests.runs.engine.story import say, use
from tests.testapp.agents import CALLS

REQUEST = {"model": "claude-sonnet-5-5", "max_tokens": 100, "messages": [{"role": "user", "content": "hello"}]}
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-5-5",
    "content": [{"type": "text", "text": "Hi."}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 9, "output_tokens": 3},
}
SSE = "text/event-stream"
BODY = {"kind": "body", "times": -1}


def events(*parts, name=True):
    lines = (f"event: {part['type']}\n" * name + f"data: {json.dumps(part)}\n\n" for part in parts)
    return "".join(lines)


def start(**message):
    return {"type": "message_start", "message": {**MESSAGE, "content": [], "stop_reason": None, **message}}


def block(index, opening, *deltas, stop=True):
    parts = [{"type": "content_block_start", "index": index, "content_block": opening}]
    parts += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
    return [*parts, *([{"type": "content_block_stop", "index": index}] if stop else [])]


def text(words="Hi.", index=0, **more):
    return block(index, {"type": "text", "text": ""}, {"type": "text_delta", "text": words}, **more)


def call(*pieces, index=0, **opening):
    deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
    return block(index, {"type": "tool_use", "id": "toolu_1", "name": "send", "input": {}, **opening}, *deltas)


def end(reason="end_turn", **more):
    return {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": 3}, **more}


STOP = {"type": "message_stop"}


@pytest.fixture
def hear(offline):
    """Ask a provider that says exactly this."""

    def hear(body, content_type=SSE, **more):
        fault = BODY | {"body": body, "content_type": content_type} | more
        offline({"turns": [{**say("never"), "faults": [fault]}]})
        return ask(REQUEST, check=lambda: None, progress=Progress(), timeout_s=60).message

    return hear


BROKEN = {
    "nothing": "",
    "blank lines": "\n\n\n",
    "pings only": "event: ping\ndata: {}\n\n" * 3,
    "comments only": ": keep-alive\n\n",
    "a page": "<html><body>502 Bad Gateway</body></html>",
    "an event that is no object": "event: message_start\ndata: 7\n\n",
    "an event that is no JSON": events(start()) + "event: content_block_start\ndata: {nope\n\n",
    "no message_start": events(*text(), end(), STOP),
    "message_start twice": events(start(), start(), *text(), end(), STOP),
    "a beginning without a message": events({"type": "message_start"}, *text(), end(), STOP),
    "a delta before its block": events(start(), text()[1], end(), STOP),
    "no stop reason": events(start(), *text(), STOP),
    "no message_delta": events(start(), *text(), STOP),
    "no message_stop": events(start(), *text(), end()),
    "a block that never stops": events(start(), *text(stop=False), end(), STOP),
    "a block within a block": events(start(), *text(stop=False), *text(index=1), end(), STOP),
    "a block that is missing": events(start(), *text(index=1), end(), STOP),
    "a block told twice": events(start(), *text(), *text(), end(), STOP),
    "blocks out of order": events(start(), *text(index=1), *text(index=0), end(), STOP),
    "a delta of another block": events(start(), *text(), {**text()[1], "index": 0}, end(), STOP),
    "a block after the end": events(start(), *text(), end(), *text(index=1), STOP),
    "a delta that is no text": events(start(), *text(words=None), end(), STOP),
    "a text in a tool call": events(start(), *block(0, call()[0]["content_block"], text()[1]["delta"]), end(), STOP),
    "a block without a type": events(start(), *block(0, {"text": ""}), end(), STOP),
    "an input that is cut": events(start(), *call('{"to": ', '"bob"'), end("tool_use"), STOP),
    "an input with a hole": events(start(), *call('{"to": "bob", ', "1}"), end("tool_use"), STOP),
    "half an input before another block": events(start(), *call('{"to": '), *text(index=1), end("max_tokens"), STOP),
    "an input and more": events(start(), *call('{"to": "bob"}', "}"), end("tool_use"), STOP),
    "an input told twice": events(start(), *call('{"to": "bob"}', '{"to": "bob"}'), end("tool_use"), STOP),
    "a name twice in an input": events(start(), *call('{"to": "bob", "to": "eve"}'), end("tool_use"), STOP),
    "NaN in an input": events(start(), *call('{"to": NaN}'), end("tool_use"), STOP),
    "a number beyond all": events(start(), *call('{"to": 1e999}'), end("tool_use"), STOP),
    "blanks for an input": events(start(), *call("  "), end("tool_use"), STOP),
    "an input deeper than anyone reads": events(start(), *call("[" * 100_000), end("tool_use"), STOP),
    "half a character in an input": events(start(), *call('{"to": "\\ud800"}'), end("tool_use"), STOP),
}
BROKEN_DOCUMENTS = {
    "null": "null",
    "a list": "[]",
    "half of it": json.dumps(MESSAGE)[:80],
    "content null": json.dumps(MESSAGE | {"content": None}),
    "content of nothing": json.dumps(MESSAGE | {"content": [None]}),
    "a text of none": json.dumps(MESSAGE | {"content": [{"type": "text", "text": None}]}),
    "a call without an input": json.dumps(MESSAGE | {"content": [{"type": "tool_use", "id": "a", "name": "send"}]}),
    "no stop reason": json.dumps(MESSAGE | {"stop_reason": None}),
    "somebody else's": json.dumps({"id": "chatcmpl-1", "object": "chat.completion", "choices": []}),
    "what the user said": json.dumps(MESSAGE | {"role": "user"}),
}


@pytest.mark.fault(23)
@pytest.mark.parametrize("body", BROKEN)
def test_a_broken_stream_is_no_answer_and_asked_for_again(hear, body):
    with pytest.raises(BrokenStreamError) as raised:
        hear(BROKEN[body])

    assert classify(raised.value) == ErrorClass.TRANSIENT


@pytest.mark.parametrize("body", BROKEN_DOCUMENTS)
def test_a_document_that_answers_nothing_is_a_broken_stream(hear, body):
    with pytest.raises(BrokenStreamError):
        hear(BROKEN_DOCUMENTS[body], "application/json")


def test_bytes_that_are_no_text_are_a_broken_stream(hear):
    with pytest.raises(BrokenStreamError):
        hear(events(start(), *text(), end(), STOP).replace("Hi.", "Grüße"), encoding="latin-1")


def test_an_answer_without_end_is_a_broken_stream(hear, monkeypatch):
    monkeypatch.setattr("runs.engine.read_answer.MAX_BYTES", 1000)

    with pytest.raises(BrokenStreamError, match="longer than"):
        hear(events(start(), *text("x" * 2000), end(), STOP))


WHOLE = {
    "as the API tells it": (events(start(), *text(), end(), STOP), SSE),
    "called plain text": (events(start(), *text(), end(), STOP), "text/plain"),
    "called a document": (events(start(), *text(), end(), STOP), "application/json"),
    "without the names of events": (events(start(), *text(), end(), STOP, name=False), SSE),
    "with events that nobody knows": (
        events(start(), {"type": "weather", "index": 7}, *text(), end(), STOP, {"type": "late"}),
        SSE,
    ),
    "with more after the end": (events(start(), *text(), end(), STOP) + "data: [DONE]\n\n", SSE),
    "with a beginning of nulls": (events(start(content=None, id=None, model=None), *text(), end(), STOP), SSE),
    "as one document": (json.dumps(MESSAGE), "application/json"),
    "as one document called a stream": ("\ufeff \n" + json.dumps(MESSAGE), SSE),
    "without id, model and role": (
        json.dumps({"content": MESSAGE["content"], "stop_reason": "end_turn"}),
        "application/json",
    ),
    "in a character of two halves": (
        events(
            start(), *block(0, {"type": "text", "text": ""}, *(text(w)[1]["delta"] for w in ("Hi", "."))), end(), STOP
        ),
        SSE,
    ),
}


@pytest.mark.parametrize("body", WHOLE)
def test_an_answer_is_taken_however_it_comes(hear, body):
    message = hear(*WHOLE[body])

    assert [part["text"] for part in message["content"]] == ["Hi."]
    assert (message["model"], message["stop_reason"]) == ("claude-sonnet-5-5", "end_turn")
    assert isinstance(message["id"], str)


@pytest.mark.parametrize(
    ("pieces", "opening", "given"),
    [
        ((), {}, {}),
        (("",), {}, {}),
        ((), {"input": {"to": "bob"}}, {"to": "bob"}),
        ((), {"input": None}, {}),
        (("", '{"to"', ': "b\\u00f6b"}'), {}, {"to": "böb"}),
        (('{"to": "\ud83d', '\ude00"}'), {}, {"to": "\U0001f600"}),
        (("[1]",), {}, [1]),
    ],
    ids=["none", "an empty one", "told at once", "null", "in pieces", "a character of two halves", "a list"],
)
def test_the_input_of_a_tool_is_what_its_texts_say_together(hear, pieces, opening, given):
    message = hear(events(start(), *call(*pieces, **opening), end("tool_use"), STOP))

    assert message["content"][0]["input"] == given


ERRORS = [
    ("invalid_request_error", ErrorClass.PERMANENT, anthropic.APIStatusError),
    ("authentication_error", ErrorClass.PERMANENT, anthropic.APIStatusError),
    ("rate_limit_error", ErrorClass.RATE_LIMITED, anthropic.APIStatusError),
    ("overloaded_error", ErrorClass.TRANSIENT, anthropic.APIStatusError),
    ("api_error", ErrorClass.TRANSIENT, anthropic.APIStatusError),
    ("nobody_knows_error", ErrorClass.TRANSIENT, anthropic.APIStatusError),
]


@pytest.mark.parametrize("content_type", ["application/json", SSE])
@pytest.mark.parametrize(("kind", "meaning", "cls"), ERRORS)
def test_an_error_with_status_200_is_that_error(hear, kind, meaning, cls, content_type):
    with pytest.raises(cls) as raised:
        hear(json.dumps({"type": "error", "error": {"type": kind, "message": "no"}}), content_type)

    assert classification_of(raised.value).kind == meaning and "no" in str(raised.value)


@pytest.mark.parametrize("said", ['{"error": "upstream gone"}', '{"error": {"message": "m", "code": 7}}'])
def test_an_error_in_a_gateways_own_words_may_pass(hear, said):
    with pytest.raises(anthropic.APIStatusError) as raised:
        hear(said, "application/json")

    assert classify(raised.value) == ErrorClass.TRANSIENT


@pytest.mark.parametrize("said", ['{"type": "error", "error": {"type": "odd"}}', '{"error": "gone"}', "gone"])
@pytest.mark.parametrize("begun", [events(start()), ""], ids=["begun", "at once"])
def test_an_error_in_a_stream_that_nobody_knows_may_pass(hear, begun, said):
    with pytest.raises(anthropic.APIStatusError) as raised:
        hear(f"{begun}event: error\ndata: {said}\n\n")

    assert classify(raised.value) == ErrorClass.TRANSIENT


@pytest.mark.fault(23)
@pytest.mark.django_db
@pytest.mark.parametrize(
    "mangle",
    [{"drop": [4]}, {"drop": [5]}, {"drop": [6]}, {"drop": [7]}, {"drop": [8]}, {"repeat": [4]}, {"swap": [4]}],
    ids=str,
)
def test_a_call_of_which_a_part_was_lost_is_never_made(offline, post, work, mangle):
    fault = {"kind": "mangle", **mangle}
    model = offline({"turns": [{**use(("send", {"to": "b"})), "faults": [fault]}, say("Done.")]})
    run = post("clerk")

    outcomes = work()

    run.refresh_from_db()
    assert isinstance(outcomes[0], Retry) and run.last_error["type"] == "BrokenStreamError"
    assert (CALLS["send"], len(model.requests)) == (0, 1)
    assert ModelCall.objects.get(run=run).status == "presumed"


UNBELIEVABLE = {
    "null": {"usage": None},
    "absent": {"absent": True},
    "a word": {"usage": "much"},
    "a part": {"usage": {"input_tokens": 9}},
    "the other part": {"usage": {"output_tokens": 9}},
    "zeros": {"usage": {"input_tokens": 0, "output_tokens": 0}},
    "no words counted": {"usage": {"input_tokens": 9, "output_tokens": 0}},
    "below zero": {"usage": {"input_tokens": -9, "output_tokens": 9}},
    "words": {"usage": {"input_tokens": "9", "output_tokens": "9"}},
    "half a token": {"usage": {"input_tokens": 9.5, "output_tokens": 9}},
    "true": {"usage": {"input_tokens": True, "output_tokens": 9}},
    "more than a column holds": {"usage": {"input_tokens": 5_000_000_000, "output_tokens": 9}},
    "more than anything": {"usage": {"input_tokens": 10**400, "output_tokens": 9}},
}


def through(lane, work):
    """Work until the run has its answer, through the batch lane if asked."""
    outcomes = work()
    for _ in range(2 if lane == "batch" else 0):
        clock.advance(conf().batch_gather_s + conf().batch_poll_s)
        tend_batches()
    return outcomes + work()


@pytest.mark.django_db
@pytest.mark.parametrize("lane", ["standard", "batch"])
@pytest.mark.parametrize("usage", UNBELIEVABLE)
def test_an_answer_that_does_not_say_what_it_used_is_taken_and_costs_its_reserve(offline, post, work, usage, lane):
    offline({"turns": [{**say("Hi."), "faults": [{"kind": "usage", **UNBELIEVABLE[usage]}]}]})
    run = post("clerk", lane=lane)

    outcomes = through(lane, work)

    run.refresh_from_db()
    call = ModelCall.objects.get(run=run)
    assert outcomes[-1] == Completed("Hi.")
    assert (call.status, call.error_type, call.message_id != "") == ("presumed", "UsageUnknown", True)
    assert run.cost_usd == call.cost_usd == call.reserved_usd > 0
    assert list(breaches(look_again_after_s=0)) == []


@pytest.mark.django_db
def test_whole_floats_are_counts(offline, post, work):
    usage = {"input_tokens": 9.0, "output_tokens": 3.0}
    offline({"turns": [{**say("Hi."), "faults": [{"kind": "usage", "usage": usage}]}]})
    run = post("clerk")

    work()

    run.refresh_from_db()
    assert (run.input_tokens, run.output_tokens) == (9, 3) and ModelCall.objects.get(run=run).status == "settled"
