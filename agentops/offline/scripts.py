"""Where turns come from: the script or the recording of a conversation. `script_file.py` reads the files."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from agentops.offline.conversation import OfflineConversation, Turn, as_blocks, merged_turns
from agentops.offline.errors import InvalidRequestError
from agentops.offline.faults import Fault
from agentops.offline.jsontext import JsonObject, compact

EXCERPT_CHARACTERS = 80

# What is compared of a block; other fields, such as cache_control, may differ.
COMPARED = {
    "text": ("text",),
    "tool_use": ("id", "name", "input"),
    "tool_result": ("tool_use_id", "content"),
}
PAUSES = frozenset({"pause_turn", "compaction"})  # the turn is sent back, and goes on


@dataclass(frozen=True, kw_only=True)
class ScriptedTurn:
    """One answer of a script: what is said, why it stops, after how long and through which faults.

    Shape: `extras` are further message fields, such as `stop_sequence` and `stop_details`. What is to be said
    `as_written` has no templates and need not be what the API would ever say.
    """

    content: list[JsonObject]
    stop_reason: str
    delay_s: float = 0.0
    faults: tuple[Fault, ...] = ()
    extras: JsonObject | None = None
    as_written: bool = False


@dataclass(frozen=True, kw_only=True)
class When:
    """The conditions of a script; those given must all hold."""

    system_contains: str | None = None
    first_user_contains: str | None = None
    model: str | None = None
    user_id: str | None = None

    def matches(self, conversation: OfflineConversation) -> bool:
        """Tell whether every given condition holds."""
        return all(
            (
                self.system_contains is None or self.system_contains in conversation.system_text,
                self.first_user_contains is None or self.first_user_contains in conversation.first_user_text,
                self.model is None or self.model == conversation.model,
                self.user_id is None or self.user_id == conversation.user_id,
            )
        )

    @property
    def weight(self) -> tuple[int, int]:
        """Return how specific the conditions are: their number, then the length of their strings."""
        conditions = (self.system_contains, self.first_user_contains, self.model, self.user_id)
        given = [condition for condition in conditions if condition is not None]
        return len(given), sum(map(len, given))


def plain_turn(text: str) -> ScriptedTurn:
    """Make a turn that says one text and ends."""
    return ScriptedTurn(content=[{"type": "text", "text": text}], stop_reason="end_turn")


ENDED = plain_turn("(the script has ended)")


@dataclass(frozen=True, kw_only=True)
class Script:
    """A conversation as the model will hold its side of it."""

    name: str
    when: When
    turns: tuple[ScriptedTurn, ...]
    otherwise: ScriptedTurn = ENDED
    faults: tuple[Fault, ...] = ()

    def position(self, conversation: OfflineConversation) -> int:
        """Count the scripted turns the conversation has already had.

        Consecutive assistant messages are one turn, except that each paused turn was followed by another one.
        """
        taken = 0
        for group in conversation.assistant_turns:
            blocks = len(group.blocks)
            paused = True
            # Clients may append a continuation to the paused message or after it, so blocks are counted.
            while paused and (blocks > 0 or group.blocks == []):
                turn = self.turn(taken)
                taken += 1
                blocks -= max(1, len(turn.content))
                paused = turn.stop_reason in PAUSES and blocks > 0
        return taken

    def turn(self, position: int) -> ScriptedTurn:
        """Return the turn at a position; beyond the last one it is `otherwise`."""
        return self.turns[position] if position < len(self.turns) else self.otherwise

    def may_continue(self, conversation: OfflineConversation) -> bool:
        """Tell whether the conversation ends with a turn that this script paused."""
        if not conversation.ends_with_assistant:
            return False
        return self.turn(self.position(conversation) - 1).stop_reason in PAUSES

    def faults_of(self, turn: ScriptedTurn) -> tuple[Fault, ...]:
        """Return the faults a turn goes through: the script's, then its own."""
        return self.faults + turn.faults


NO_SCRIPT = Script(
    name="(no script)",
    when=When(),
    turns=(),
    otherwise=plain_turn("I am the offline model and I have no script for this conversation. You wrote: {{user}}"),
)


def best_script(scripts: Iterable[Script], conversation: OfflineConversation) -> Script:
    """Choose the most specific script that matches; without one the offline model answers for itself."""
    matching = [script for script in scripts if script.when.matches(conversation)]
    return max(matching, key=lambda script: script.when.weight, default=NO_SCRIPT)


CLOSING = ScriptedTurn(content=[], stop_reason="end_turn")


class Recordings:
    """The conversations of a workload, by id."""

    def __init__(self, folder: str | Path | None) -> None:
        self._turns: dict[str, list[JsonObject]] = {}
        if folder is not None:
            with (Path(folder) / "conversations.jsonl").open(encoding="utf-8") as lines:
                for line in lines:
                    conversation = json.loads(line)
                    self._turns[conversation["id"]] = conversation["turns"]

    def next_turn(self, conversation: OfflineConversation) -> ScriptedTurn | None:
        """Return the recorded answer to a conversation; None when its `user_id` names no recording.

        Beyond the last recorded turn the answer is one empty message.

        Raises: InvalidRequestError naming the first difference between what was received and the recording.
        """
        recorded = self._turns.get(conversation.user_id or "")
        if recorded is None:
            return None
        expected = merged_turns(recorded)
        received = conversation.turns
        for position, turn in enumerate(received):
            difference = _difference(expected[position] if position < len(expected) else None, turn)
            if difference:
                raise InvalidRequestError(
                    f"conversation {conversation.user_id}, turn {position}: not as recorded: {difference}"
                )
        if len(received) >= len(expected):
            return CLOSING
        answer = expected[len(received)]
        return ScriptedTurn(content=answer.blocks, stop_reason=recorded[answer.index]["stop_reason"])


def _difference(expected: Turn | None, received: Turn) -> str | None:
    if expected is None:
        return f"the recording has ended, but a turn of the {received.role} was received"
    if expected.role != received.role:
        return f"recorded a turn of the {expected.role}, received one of the {received.role}"
    if len(expected.blocks) != len(received.blocks):
        return f"recorded {len(expected.blocks)} blocks, received {len(received.blocks)}"
    pairs = zip(expected.blocks, received.blocks, strict=True)
    differences = (_block_difference(index, *pair) for index, pair in enumerate(pairs))
    return next((difference for difference in differences if difference), None)


def _block_difference(index: int, expected: JsonObject, received: JsonObject) -> str | None:
    for field in ("type", *COMPARED.get(expected["type"], ())):
        wanted, got = _comparable(expected, field), _comparable(received, field)
        if wanted != got:
            recorded = _excerpt(wanted, got)
            return f"block {index}: {field}: recorded {recorded}, received {_excerpt(got, wanted)}"
    return None


def _comparable(block: JsonObject, field: str) -> object:
    if field != "content":
        return block.get(field)
    parts = as_blocks(block.get("content"))
    return [{key: value for key, value in part.items() if key != "cache_control"} for part in parts]


def _excerpt(value: object, other: object) -> str:
    text, against = compact(value), compact(other)
    same = next((i for i, (a, b) in enumerate(zip(text, against, strict=False)) if a != b), 0)
    start = max(0, same - EXCERPT_CHARACTERS // 2)
    end = start + EXCERPT_CHARACTERS
    return f"{'…' if start else ''}{text[start:end]}{'…' if end < len(text) else ''}"
