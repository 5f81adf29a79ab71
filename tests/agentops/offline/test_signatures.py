"""Thinking is signed, and taken back only as it was signed."""

import anthropic
import pytest

THINKING = {"type": "thinking", "thinking": "Hm."}
SAID = {"type": "text", "text": "Well."}
REDACTED = {"type": "redacted_thinking", "data": "x"}


@pytest.fixture
def first(serve, connect, ask):
    """A client, and the first answer of a model that thinks."""
    turns = [{"content": [THINKING, SAID, REDACTED, SAID]}, {"content": [SAID]}]
    client = connect(serve({"name": "thinks", "turns": turns}))
    return client, client.messages.create(**ask("Hi"), system="Be brief.").to_dict()["content"]


def go_on(client, ask, content, **changes):
    return client.messages.create(**ask(*changes.pop("turns", ("Hi",)), content, "And?"), system="Be brief.", **changes)


def test_thinking_is_taken_back_byte_for_byte(first, ask):
    client, content = first
    assert len(content[0]["signature"]) == len(content[2]["data"]) == 64

    assert go_on(client, ask, content).content[0].text == "Well."


@pytest.mark.parametrize("change", ["thought", "signature", "block before", "question", "tools"])
def test_thinking_behind_something_changed_is_refused(first, ask, change):
    client, content = first
    changes = {
        "thought": {"content": [content[0] | {"thinking": "Hm!"}, *content[1:]]},
        "signature": {"content": [content[0] | {"signature": "c2ln"}, *content[1:]]},
        "block before": {"content": [content[0], SAID | {"text": "Well!"}, *content[2:]]},
        "question": {"content": content, "turns": ("Hi!",)},
        "tools": {"content": content, "tools": [{"name": "t", "input_schema": {"type": "object"}}]},
    }

    with pytest.raises(anthropic.BadRequestError, match=r"Invalid `(signature|data)` in `(redacted_)?thinking` block"):
        go_on(client, ask, **changes[change])


def test_thinking_may_be_left_out(first, ask):
    client, content = first

    assert go_on(client, ask, [content[1], content[3]]).content[0].text == "Well."
