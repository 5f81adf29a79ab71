"""Answers that are longer than `max_tokens`."""

import json

import pytest

LONG = "word " * 40  # fifty tokens
CALL = {"type": "tool_use", "name": "send", "input": {"to": "someone@example.org", "body": "x" * 100}}


def scripted(*blocks, **turn):
    return {"name": "long", "turns": [{"content": list(blocks), **turn}]}


def text(words):
    return {"type": "text", "text": words}


@pytest.mark.parametrize("streaming", [False, True])
def test_a_long_text_is_cut_and_says_so(serve, connect, ask, streaming):
    client = connect(serve(scripted(text(LONG), text("never said"))))

    message = _fetch(client, ask(max_tokens=10), streaming=streaming)

    assert [block.text for block in message.content] == [LONG[:40]]
    assert (message.stop_reason, message.usage.output_tokens) == ("max_tokens", 10)


def test_what_is_served_as_written_is_cut_too(serve, connect, ask):
    client = connect(serve(scripted(text(LONG), as_written=True)))

    message = client.messages.create(**ask(max_tokens=10))

    assert (message.content[0].text, message.stop_reason) == (LONG[:40], "max_tokens")


@pytest.mark.parametrize("block", [{"type": "text", "text": [LONG]}, {"type": "tool_use", "name": LONG}])
def test_an_odd_block_that_is_too_long_is_cut_somehow(serve, connect, ask, block):
    client = connect(serve(scripted(block, as_written=True)))

    message = client.messages.create(**ask(max_tokens=10))

    assert (message.stop_reason, message.usage.output_tokens) == ("max_tokens", 10)


def test_an_answer_of_just_the_limit_is_whole(serve, connect, ask):
    client = connect(serve(scripted(text(LONG))))

    message = client.messages.create(**ask(max_tokens=50))

    assert (message.content[0].text, message.stop_reason) == (LONG, "end_turn")


def test_a_cut_tool_call_streams_half_its_json(serve, connect, ask):
    client = connect(serve(scripted(text("Well."), CALL)))

    events = list(client.messages.create(**ask(max_tokens=20), stream=True))

    deltas = [event.delta for event in events if event.type == "content_block_delta" and event.index == 1]
    whole = json.dumps(CALL["input"], separators=(",", ":"))
    partial = "".join(delta.partial_json for delta in deltas)
    assert whole.startswith(partial)
    assert 0 < len(partial) < len(whole)
    assert events[-2].delta.stop_reason == "max_tokens"


def test_a_cut_tool_call_has_no_input_in_a_plain_answer(serve, connect, ask):
    client = connect(serve(scripted(text("Well."), CALL)))

    message = client.messages.create(**ask(max_tokens=20))

    assert message.content[1].input == {}
    assert message.stop_reason == "max_tokens"


def test_no_tokens_at_all_give_an_empty_answer(serve, connect, ask):
    client = connect(serve(scripted(text(LONG))))

    message = client.messages.create(**ask(max_tokens=0))

    assert (message.content, message.stop_reason, message.usage.output_tokens) == ([], "max_tokens", 0)


def _fetch(client, request, *, streaming):
    if not streaming:
        return client.messages.create(**request)
    with client.messages.stream(**request) as stream:
        return stream.get_final_message()
