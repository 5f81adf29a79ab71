"""Messages as the SDK sees them, plain and streamed."""

import json

import pytest

GREETING = "Good morning! I shall look that up for you, one moment please."

TALKING = {"name": "talking", "turns": [{"content": [{"type": "text", "text": GREETING}]}]}
CALLING = {
    "name": "calling",
    "turns": [
        {
            "content": [
                {"type": "text", "text": "Let me look."},
                {
                    "type": "tool_use",
                    "name": "find_invoice",
                    "input": {"order_id": "1007", "lines": [1, {"é": None}]},
                },
                {"type": "tool_use", "name": "list_orders", "input": {}},
            ]
        }
    ],
}


def test_a_text_answer_arrives_whole(serve, connect, ask):
    client = connect(serve(TALKING))

    message = client.messages.create(**ask())

    assert message.content[0].text == GREETING
    assert (message.stop_reason, message.role, message.model) == ("end_turn", "assistant", "claude-opus-5-5")


def test_a_streamed_text_arrives_in_several_deltas(serve, connect, ask):
    client = connect(serve(TALKING))

    with client.messages.stream(**ask()) as stream:
        pieces = list(stream.text_stream)

    assert len(pieces) > 1
    assert "".join(pieces) == GREETING


def test_events_come_in_the_order_of_the_wire_format(serve, connect, ask):
    client = connect(serve(TALKING))

    with client.messages.with_streaming_response.create(**ask(), stream=True) as response:
        names = [line.removeprefix("event: ") for line in response.iter_lines() if line.startswith("event: ")]

    deltas = names.count("content_block_delta")
    assert names == [
        "message_start",
        "ping",
        "content_block_start",
        *["content_block_delta"] * deltas,
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]


@pytest.mark.parametrize("streaming", [False, True])
def test_tool_calls_arrive_with_their_input_and_a_fresh_id(serve, connect, ask, streaming):
    client = connect(serve(CALLING))

    message = _fetch(client, ask(), streaming=streaming)

    found, listed = message.content[1:]
    assert found.input == {"order_id": "1007", "lines": [1, {"é": None}]}
    assert listed.input == {}
    assert message.stop_reason == "tool_use"
    assert found.id.startswith("toolu_")
    assert found.id != listed.id


def test_the_input_of_a_tool_call_is_streamed_in_several_pieces(serve, connect, ask):
    client = connect(serve(CALLING))

    events = list(client.messages.create(**ask(), stream=True))

    deltas = [event for event in events if event.type == "content_block_delta" and event.index == 1]
    pieces = [event.delta.partial_json for event in deltas]
    assert len([piece for piece in pieces if piece]) > 1
    assert json.loads("".join(pieces))["order_id"] == "1007"


def test_a_call_served_again_gets_a_new_id(serve, connect, ask):
    client = connect(serve(CALLING))

    first, second = (client.messages.create(**ask()).content[1].id for _ in range(2))

    assert first != second


def test_an_id_given_by_the_script_is_kept(serve, connect, ask):
    block = {"type": "tool_use", "id": "toolu_fixed", "name": "f", "input": {}}
    client = connect(serve({"name": "fixed", "turns": [{"content": [block]}]}))

    message = client.messages.create(**ask())

    assert message.content[0].id == "toolu_fixed"


def test_the_stream_starts_with_the_input_usage_and_ends_with_all_of_it(serve, connect, ask):
    client = connect(serve(TALKING))

    events = list(client.messages.create(**ask("x" * 400), stream=True))

    started, ended = events[0].message.usage, events[-2].usage
    assert (started.input_tokens, started.output_tokens) == (100, 1)
    assert ended.output_tokens == -(-len(GREETING) // 4)


def test_a_plain_and_a_streamed_answer_say_the_same(serve, connect, ask):
    block = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": [1, 2.5, "ü"]}}
    thinking = {"type": "thinking", "thinking": "Hm, which one?", "signature": "c2ln"}
    client = connect(serve({"name": "both", "turns": [{"content": [thinking, block]}]}))

    plain, streamed = (_fetch(client, ask(), streaming=streaming) for streaming in (False, True))

    assert plain.content == streamed.content
    assert plain.usage == streamed.usage


def test_a_refusal_carries_its_details(serve, connect, ask):
    turn = {"content": [], "stop_reason": "refusal", "stop_details": {"type": "refusal", "category": "cyber"}}
    client = connect(serve({"name": "refusing", "turns": [turn]}))

    plain, streamed = (_fetch(client, ask(), streaming=streaming) for streaming in (False, True))

    assert plain.stop_details.category == streamed.stop_details.category == "cyber"
    assert plain.stop_reason == streamed.stop_reason == "refusal"


def test_tokens_are_counted_without_creating_a_message(serve, connect, ask):
    model = serve(TALKING)
    client = connect(model)
    request = ask("x" * 400, system="y" * 40)
    del request["max_tokens"]

    counted = client.messages.count_tokens(**request)

    assert counted.input_tokens == 110
    assert model.requests == []


def test_the_count_is_what_the_message_is_billed(serve, connect, ask):
    client = connect(serve(TALKING))
    tools = [{"name": "f", "input_schema": {"type": "object"}}]
    request = ask("x" * 399, "y", "z", system="s", tools=tools)

    usage = client.messages.create(**request).usage
    del request["max_tokens"]

    assert client.messages.count_tokens(**request).input_tokens == usage.input_tokens


def _fetch(client, request, *, streaming):
    if not streaming:
        return client.messages.create(**request)
    with client.messages.stream(**request) as stream:
        return stream.get_final_message()
