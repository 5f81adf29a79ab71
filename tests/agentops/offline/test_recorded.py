"""Replay of recorded conversations."""

import json

import anthropic
import pytest

CALL = {"type": "tool_use", "id": "toolu_00_1", "name": "get_user", "input": {"user_id": "mia", "depth": 1}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_00_1", "content": '{"name": "Mia"}'}
TURNS = [
    {"role": "user", "content": [{"type": "text", "text": "Hi!"}]},
    {
        "role": "assistant",
        "content": [{"type": "text", "text": "Your {{user}} id?"}],
        "stop_reason": "end_turn",
    },
    {"role": "user", "content": [{"type": "text", "text": "mia"}]},
    {"role": "assistant", "content": [{"type": "text", "text": "So."}, CALL], "stop_reason": "tool_use"},
    {"role": "user", "content": [RESULT]},
]


@pytest.fixture
def client(serve, connect, tmp_path):
    conversations = [{"id": "talk-0", "turns": TURNS}, {"id": "talk-1", "turns": TURNS[:2]}]
    (tmp_path / "conversations.jsonl").write_text("".join(f"{json.dumps(each)}\n" for each in conversations))
    script = {"name": "general", "turns": [{"content": [{"type": "text", "text": "scripted"}]}]}
    return connect(serve(script, workload=tmp_path))


@pytest.fixture
def recorded(ask):
    def request(*contents, user_id="talk-0"):
        return ask(*contents, metadata={"user_id": user_id})

    return request


def contents(count):
    return [turn["content"] for turn in TURNS[:count]]


def test_the_next_recorded_turn_is_served_unchanged(client, recorded):
    message = client.messages.create(**recorded(*contents(1)))

    assert message.content[0].text == "Your {{user}} id?"
    assert message.stop_reason == "end_turn"


@pytest.mark.parametrize("turns", [1, 5])
def test_a_recorded_answer_is_whole_whatever_max_tokens_says(client, recorded, turns):
    message = client.messages.create(**recorded(*contents(turns)) | {"max_tokens": 0})

    assert [block.text for block in message.content] == ["Your {{user}} id?"][: 5 - turns]
    assert message.stop_reason == "end_turn"


@pytest.mark.parametrize("streaming", [False, True])
def test_a_recorded_call_keeps_its_id(client, recorded, streaming):
    request = recorded(*contents(3))

    if streaming:
        with client.messages.stream(**request) as stream:
            message = stream.get_final_message()
    else:
        message = client.messages.create(**request)

    assert message.content[1].to_dict() == CALL
    assert message.stop_reason == "tool_use"


def test_a_recording_that_is_over_is_closed_by_an_empty_message(client, recorded):
    message = client.messages.create(**recorded(*contents(5)))

    assert (message.content, message.stop_reason) == ([], "end_turn")


def test_forms_that_mean_the_same_are_the_same(client, recorded):
    result = {
        **RESULT,
        "content": [{"type": "text", "text": RESULT["content"]}],
        "cache_control": {"type": "ephemeral"},
    }
    call = {**CALL, "input": {"depth": 1, "user_id": "mia"}}
    request = recorded("Hi!", "Your {{user}} id?", "mia", [{"type": "text", "text": "So."}, call], [result])
    split = request["messages"].pop(3)
    request["messages"][3:3] = [{"role": "assistant", "content": [block]} for block in split["content"]]

    message = client.messages.create(**request)

    assert message.content == []


@pytest.mark.parametrize(
    ("position", "content", "difference"),
    [
        (0, "Hello!", r"turn 0: .*block 0: text: recorded .*Hi!.*received .*Hello!"),
        (1, "Your id?", "turn 1: .*text"),
        (3, [{"type": "text", "text": "So."}], "turn 3: .*recorded 2 blocks, received 1"),
        (4, [{**RESULT, "content": "{}"}], "turn 4: .*block 0: content"),
    ],
)
def test_the_first_difference_is_named(client, recorded, position, content, difference):
    received = contents(5)
    received[position] = content
    if position == 3:
        received[4] = "Go on"

    with pytest.raises(anthropic.BadRequestError, match=f"conversation talk-0, {difference}"):
        client.messages.create(**recorded(*received))


def test_a_conversation_that_goes_on_beyond_the_recording_is_refused(client, recorded):
    with pytest.raises(anthropic.BadRequestError, match="the recording has ended"):
        client.messages.create(**recorded(*contents(2), "More", user_id="talk-1"))


def test_anyone_else_is_answered_by_scripts(client, recorded):
    message = client.messages.create(**recorded("Hi!", user_id="someone"))

    assert message.content[0].text == "scripted"
