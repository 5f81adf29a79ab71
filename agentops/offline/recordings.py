"""The recorded conversations of a workload: each is answered as it was recorded, if it is asked as it was recorded."""

import json
from pathlib import Path
from typing import ClassVar

from agentops.offline.conversation import OfflineConversation, Turn, as_blocks, merged_turns
from agentops.offline.errors import InvalidRequestError
from agentops.offline.jsontext import JsonObject, compact
from agentops.offline.scripts import ScriptedTurn

EXCERPT_CHARACTERS = 80

# What is compared of a block; other fields, such as cache_control, may differ.
COMPARED = {
    "text": ("text",),
    "tool_use": ("id", "name", "input"),
    "tool_result": ("tool_use_id", "content"),
}


class RecordedTurn(ScriptedTurn):
    """An answer that is served as it was recorded, whatever `max_tokens` says."""

    is_recorded: ClassVar[bool] = True
    as_written: bool = True


CLOSING = RecordedTurn(content=[])


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
        return RecordedTurn(content=answer.blocks, stop_reason=recorded[answer.index]["stop_reason"])


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
