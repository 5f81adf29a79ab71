"""A workload folder as it was recorded: pure data, checked so that a replay can follow it to the end."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentops.examples.workload.declaration import effect_of
from agentops.examples.workload.folder import (
    CONVERSATIONS,
    FolderError,
    read_conversations,
    read_policy,
    read_tools,
)
from agentops.lab.workload.shape import check_turns

Json = dict[str, Any]
TOOL_FIELDS = ("name", "description", "input_schema")  # what the model is shown of a tool


@dataclass(frozen=True, slots=True)
class Call:
    """One recorded tool call and its result."""

    id: str
    name: str
    arguments: Json
    result: str


@dataclass(frozen=True, slots=True)
class ModelTurn:
    """One answer of the model; `turn` is its place among the recorded turns, from 0."""

    turn: int
    content: list[Json]
    stop_reason: str
    calls: tuple[Call, ...] = ()
    is_closing: bool = False  # not recorded: the empty answer after a last tool result


@dataclass(frozen=True, slots=True)
class CustomerTurn:
    """One text of the customer."""

    turn: int
    text: str
    is_last_word: bool = False


@dataclass(frozen=True, slots=True)
class Conversation:
    """One recorded conversation. `messages` are its turns as the model receives them."""

    id: str
    messages: list[Json]
    turns: tuple[ModelTurn | CustomerTurn, ...]

    @property
    def first_text(self) -> str:
        """The customer's first words: the input of the run."""
        return next(turn.text for turn in self.turns if isinstance(turn, CustomerTurn))

    @property
    def answers(self) -> tuple[CustomerTurn, ...]:
        """What the customer says when asked, in order."""
        return tuple(turn for turn in self.turns if isinstance(turn, CustomerTurn))[1:]

    @property
    def model_turns(self) -> tuple[ModelTurn, ...]:
        """The model's answers in order, the closing one included."""
        return tuple(turn for turn in self.turns if isinstance(turn, ModelTurn))

    @property
    def calls(self) -> tuple[Call, ...]:
        """Every tool call in order."""
        return tuple(call for turn in self.model_turns for call in turn.calls)


@dataclass(frozen=True, slots=True)
class Workload:
    """A folder: the agent's prompt and tools, and the conversations it had."""

    folder: Path
    policy: str
    tools: list[Json]  # as the model is shown them
    effects: dict[str, str]  # effect class by tool
    conversations: tuple[Conversation, ...]


def read_workload(folder: Path, *, limit: int | None = None) -> Workload:
    """Read and check a folder, whole; `limit` keeps the first conversations. Raises: FolderError."""
    definitions = read_tools(folder)
    conversations = tuple(_conversations(folder, {tool["name"] for tool in definitions}))
    if not conversations:
        raise FolderError(folder / CONVERSATIONS, "holds no conversation")
    return Workload(
        folder=folder,
        policy=read_policy(folder),
        tools=[{field: tool[field] for field in TOOL_FIELDS} for tool in definitions],
        effects={tool["name"]: effect_of(tool) for tool in definitions},
        conversations=conversations[:limit],
    )


def _conversations(folder: Path, tools: set[str]) -> Iterator[Conversation]:
    path, seen = folder / CONVERSATIONS, set[str]()
    for line, recorded in read_conversations(folder):
        identifier = recorded.get("id")
        if not isinstance(identifier, str) or not 0 < len(identifier) <= 128:
            raise FolderError(path, 'has no "id", a text of at most 128 characters', line=line)
        if identifier in seen:
            raise FolderError(path, f"the conversation {identifier} occurs twice", line=line)
        seen.add(identifier)
        problem = check_turns(recorded["turns"], tools)
        if problem:
            raise FolderError(path, f"conversation {identifier}: {problem}", line=line)
        yield conversation_of(identifier, recorded["turns"])


def conversation_of(identifier: str, turns: list[Json]) -> Conversation:
    """Build a conversation from turns that are known to be well formed."""
    results = {
        block["tool_use_id"]: block["content"]
        for turn in turns
        for block in turn["content"]
        if block["type"] == "tool_result"
    }
    built: list[ModelTurn | CustomerTurn] = []
    for position, turn in enumerate(turns):
        content = turn["content"]
        if turn["role"] == "assistant":
            calls = tuple(
                Call(block["id"], block["name"], block["input"], results[block["id"]])
                for block in content
                if block["type"] == "tool_use"
            )
            built.append(ModelTurn(position, content, turn["stop_reason"], calls))
        elif content[0]["type"] == "text":
            built.append(CustomerTurn(position, content[0]["text"], is_last_word=position == len(turns) - 1))
    if turns[-1]["content"][0]["type"] == "tool_result":
        built.append(ModelTurn(len(turns), [], "end_turn", is_closing=True))
    messages = [{"role": turn["role"], "content": turn["content"]} for turn in turns]
    return Conversation(identifier, messages, tuple(built))
