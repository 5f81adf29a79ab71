"""Reading a folder: what is wrong is named by file and line."""

import json

import pytest

from agentops.examples.workload.folder import FolderError
from agentops.lab.workload.conversations import read_workload


def test_a_folder_is_read_as_it_was_recorded(write, policy, tools, recorded):
    workload = read_workload(write())

    first, second, third = workload.conversations
    assert workload.policy == policy
    assert workload.tools == tools
    assert workload.effects == {"get_book": "read", "lend_book": "unsafe"}
    assert first.first_text == "Have you «Emma»?"
    assert [(a.text, a.is_last_word) for a in first.answers] == [(" Thank you!\n", True)]
    assert [turn.is_closing for turn in second.model_turns] == [False, False, True]
    assert [call.result for call in third.calls] == ["", "back", "lent"]
    assert third.messages[1]["content"] == recorded[2]["turns"][1]["content"]


def test_the_limit_keeps_the_first_conversations(write):
    assert [c.id for c in read_workload(write(), limit=2).conversations] == ["library-1", "library-2"]


@pytest.mark.parametrize("name", ["policy.md", "tools.json", "conversations.jsonl"])
def test_a_missing_file_is_named(write, name):
    folder = write()
    (folder / name).unlink()

    with pytest.raises(FolderError, match=rf"{name}: No such file"):
        read_workload(folder)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("policy.md", b" \n", "policy.md:1: is empty"),
        ("policy.md", b"a\n\xff", "policy.md:2: is not UTF-8"),
        ("tools.json", b"[\n{]", "tools.json:2: is not JSON"),
        ("tools.json", b"{}", "tools.json:1: must hold a list"),
        ("tools.json", b"[\n 7]", "tools.json:2: tool 1 is not an object"),
        ("conversations.jsonl", b"", "conversations.jsonl: holds no conversation"),
        ("conversations.jsonl", b"\n{", "conversations.jsonl:2: is not JSON"),
        ("conversations.jsonl", b"[]", 'conversations.jsonl:1: is not an object with "id" and "turns"'),
    ],
)
def test_a_broken_file_is_named_with_its_line(write, name, text, expected):
    folder = write()
    (folder / name).write_bytes(text)

    with pytest.raises(FolderError) as raised:
        read_workload(folder)

    assert expected in str(raised.value)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"description": ""}, "has no 'description'"),
        ({"input_schema": {"type": "array"}}, "(lend_book) has no 'input_schema' of type object"),
        ({"timeout": 3}, "(lend_book) has an unknown field 'timeout'"),
    ],
)
def test_a_broken_tool_is_named_with_its_line(write, tools, change, expected):
    tools[1] |= change
    folder = write(tools=tools)
    lines = (folder / "tools.json").read_text().splitlines()
    begins = [number for number, line in enumerate(lines, 1) if line == " {"][1]

    with pytest.raises(FolderError) as raised:
        read_workload(folder)

    assert f"tools.json:{begins}: tool 2 {expected}" in str(raised.value)


def without_results(turns):
    del turns[2]["content"][0]


BROKEN = {
    'has no "id"': lambda c: c.update(id=7),
    "has no turns": lambda c: c["turns"].clear(),
    'turn 1: must have the role "assistant"': lambda c: c["turns"].pop(1),
    "turn 2: must give the results of toolu_1a": lambda c: c["turns"][2]["content"][0].update(tool_use_id="x"),
    "turn 2: has no content": lambda c: without_results(c["turns"]),
    'turn 3: must have the stop_reason "end_turn"': lambda c: c["turns"][3].update(stop_reason="tool_use"),
    "turn 3: asks nothing": lambda c: c["turns"][3]["content"][0].update(text=" "),
    "turn 4: must be one text": lambda c: c["turns"][4]["content"].append({"type": "text", "text": "More."}),
    "turn 4: has an unknown field 'mood'": lambda c: c["turns"][4].update(mood="glad"),
    "turn 0: a text block must have the fields": lambda c: c["turns"][0]["content"][0].update(citations=[]),
    "turn 0: text of a text block has the wrong type": lambda c: c["turns"][0]["content"][0].update(text=1),
    "turn 0: has a block that is none of": lambda c: c["turns"][0]["content"][0].update(type="image"),
    "calls the tool 'burn_book'": lambda c: c["turns"][1]["content"][1].update(name="burn_book"),
    "ends with the agent": lambda c: c["turns"].pop(),
}


@pytest.mark.parametrize("expected", BROKEN)
def test_a_conversation_that_cannot_be_followed_is_named_with_its_line(write, recorded, expected):
    BROKEN[expected](recorded[0])

    with pytest.raises(FolderError) as raised:
        read_workload(write([recorded[1], recorded[0]]))

    assert "conversations.jsonl:2: " in str(raised.value)
    assert expected in str(raised.value)


def test_two_conversations_of_one_id_are_refused(write, recorded):
    twice = json.loads(json.dumps(recorded[0]).replace("toolu_1", "toolu_9"))

    with pytest.raises(FolderError, match=r"conversations.jsonl:2: the conversation library-1 occurs twice"):
        read_workload(write([recorded[0], twice]))
