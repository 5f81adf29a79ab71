"""A small workload made up for these tests, and what a faithful replay of it leaves behind."""

import copy
import json

import pytest

from agentops.lab.workload.compare_steps import expected_steps
from agentops.lab.workload.conversations import ModelTurn, read_workload

POLICY = "You work for a library.\r\nLend what is there - «politely».\n"
TOOLS = [
    {
        "name": "get_book",
        "description": "Look a book up.",
        "input_schema": {"type": "object", "properties": {"title": {"type": "string"}}, "required": ["title"]},
    },
    {
        "name": "lend_book",
        "description": "Lend a book.",
        "input_schema": {
            "type": "object",
            "properties": {"title": {"type": "string"}, "days": {"type": "number"}},
        },
    },
]
ZEBRA = {"title": "Zébra", "days": 1.0}


def user(text):
    return {"role": "user", "content": [{"type": "text", "text": text}]}


def says(text):
    return {"role": "assistant", "content": [{"type": "text", "text": text}], "stop_reason": "end_turn"}


def calls(*uses, text=None):
    blocks = [{"type": "text", "text": text}] if text else []
    blocks += [{"type": "tool_use", "id": i, "name": n, "input": dict(a)} for i, n, a in uses]
    return {"role": "assistant", "content": blocks, "stop_reason": "tool_use"}


def results(*pairs):
    blocks = [{"type": "tool_result", "tool_use_id": i, "content": text} for i, text in pairs]
    return {"role": "user", "content": blocks}


CONVERSATIONS = [
    {  # one call, a last word
        "id": "library-1",
        "turns": [
            user("Have you «Emma»?"),
            calls(("toolu_1a", "get_book", {"title": "Emma"}), text="Let me see."),
            results(("toolu_1a", '{"shelf": 7}')),
            says("Yes, on shelf 7."),
            user(" Thank you!\n"),
        ],
    },
    {  # ends with a tool's result
        "id": "library-2",
        "turns": [
            user("Lend me Zébra."),
            says("For how long?"),
            user("A day."),
            calls(("toolu_2a", "lend_book", ZEBRA)),
            results(("toolu_2a", "lent")),
        ],
    },
    {  # equal arguments, other results: one after the other and in one turn
        "id": "library-3",
        "turns": [
            user("Is Zébra back?"),
            calls(("toolu_3a", "get_book", {"title": "Zébra"})),
            results(("toolu_3a", "")),
            calls(("toolu_3b", "get_book", {"title": "Zébra"}), ("toolu_3c", "lend_book", ZEBRA)),
            results(("toolu_3b", "back"), ("toolu_3c", "lent")),
            says("It is yours."),
            user("Bye."),
        ],
    },
]


@pytest.fixture
def recorded():
    """The recorded conversations, to be changed at will."""
    return copy.deepcopy(CONVERSATIONS)


@pytest.fixture
def tools():
    """The tools' definitions, to be changed at will."""
    return copy.deepcopy(TOOLS)


@pytest.fixture
def policy():
    """The system prompt, with a line end that must survive."""
    return POLICY


@pytest.fixture
def write(tmp_path):
    """Write a workload folder."""

    def write(conversations=CONVERSATIONS, *, tools=TOOLS, policy=POLICY):
        folder = tmp_path / "library"
        folder.mkdir(exist_ok=True)
        (folder / "policy.md").write_bytes(policy.encode())
        (folder / "tools.json").write_text(json.dumps(tools, indent=1))
        lines = [json.dumps(conversation) for conversation in conversations]
        (folder / "conversations.jsonl").write_text("".join(f"{line}\n" for line in lines))
        return folder

    return write


@pytest.fixture
def workload(write):
    """The workload as it is read."""
    return read_workload(write())


@pytest.fixture
def steps_of():
    """The documents that `…/steps/` gives after a faithful replay."""
    return faithful_steps


@pytest.fixture
def entries_of():
    """The log lines of the offline model after a faithful replay."""
    return faithful_entries


def faithful_steps(workload, conversation):
    steps = []
    answers = 0
    for seq, expected in enumerate(expected_steps(workload, conversation), 1):
        fields = copy.deepcopy(expected.fields)
        step = {"seq": seq, "kind": expected.kind, "status": "completed"}
        if expected.kind == "model_call":
            message_id = f"msg_{conversation.id}_{answers}"
            step |= {"name": "claude-sonnet-5-5", "attempt": 1, "result": {**fields, "message_id": message_id}}
            answers += 1
        elif expected.kind == "wait":
            end = {"end": True} if fields["end"] else {}
            step |= {"result": {"text": fields["text"]} | end}
        else:
            result = {"text": fields.pop("text")}
            step |= {**fields, "attempt": 1, "result": result}
        steps.append(step)
    return steps


def faithful_entries(workload, conversation):
    entries = []
    model_turns = [turn for turn in conversation.turns if isinstance(turn, ModelTurn)]
    for number, turn in enumerate(model_turns):
        body = {
            "model": "claude-sonnet-5-5",
            "max_tokens": 4096,
            "system": [{"type": "text", "text": workload.policy, "cache_control": {"type": "ephemeral"}}],
            "tools": copy.deepcopy(workload.tools),
            "messages": copy.deepcopy(conversation.messages[: turn.turn]),
            "metadata": {"user_id": conversation.id},
        }
        response = {"id": f"msg_{conversation.id}_{number}"}
        entries.append({"body": body, "status": 200, "fault": None, "aborted": False, "response": response})
    return entries
