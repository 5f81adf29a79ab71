"""Assemble a streamed answer strictly: a missing or misplaced event breaks the stream.

The SDK's own accumulation completes half a tool input with a partial parser; acting on its guess would be unsafe.
Source: the provider's streaming page. Unknown kinds of events are skipped: the provider may add some later.
"""

from typing import Any

from runs.errors import BrokenStreamError
from runs.strict_json import strict_json

TOOL_CALLS = frozenset({"tool_use", "server_tool_use", "mcp_tool_use"})

# A truncated answer may end inside the input of its last call; none of its calls are made.
_CUT_OFF = frozenset({"max_tokens", "model_context_window_exceeded", "refusal"})

# What a delta adds to its block, and the kinds of blocks it applies to.
_ADDS = {
    "text_delta": ("text", frozenset({"text"})),
    "thinking_delta": ("thinking", frozenset({"thinking"})),
    "input_json_delta": ("partial_json", TOOL_CALLS),
}


class Assembly:
    """The answer received so far. Shape: `message` is the provider's document, key order kept."""

    def __init__(self) -> None:
        self.message: dict[str, Any] | None = None
        self.is_whole = False
        self._open: dict[str, Any] | None = None  # the block being streamed
        self._pieces: list[str] = []
        self._may_add = True  # until the stop reason arrives
        self._half_input: BrokenStreamError | None = None  # of the last block: an error unless the answer was cut off

    def take(self, event: dict[str, Any]) -> None:
        """Add one event. Raises: BrokenStreamError."""
        kind = event.get("type")
        if kind == "message_start":
            self._start(event)
        elif kind in _TAKES:
            if self.message is None:
                raise _broken(f"{kind} came before message_start")
            _TAKES[kind](self, event)

    def _start(self, event: dict[str, Any]) -> None:
        message = event.get("message")
        if self.message is not None or not isinstance(message, dict) or message.get("content"):
            raise _broken("message_start came twice, or is not the beginning of a message")
        self.message = {**message, "content": []}

    def _start_block(self, event: dict[str, Any]) -> None:
        block, content = event.get("content_block"), self._content
        if self._half_input:
            raise self._half_input
        if not isinstance(block, dict) or not isinstance(block.get("type"), str):
            raise _broken("a block has no type")
        if not self._may_add or self._open is not None or event.get("index") != len(content):
            raise _broken(
                f"block {event.get('index')!r} came where block {len(content)} was due, or before another ended"
            )
        self._open, self._pieces = dict(block), []
        content.append(self._open)

    def _add(self, event: dict[str, Any]) -> None:
        block, delta = self._open_block(event), event.get("delta")
        kind = delta.get("type") if isinstance(delta, dict) else None
        if not isinstance(delta, dict) or not isinstance(kind, str):
            raise _broken("a delta has no type")
        if kind in _ADDS:
            self._add_piece(block, kind, delta)
        elif kind == "signature_delta" and block["type"] == "thinking":
            block["signature"] = delta.get("signature")
        elif kind == "citations_delta" and block["type"] == "text":
            block["citations"] = [*(block.get("citations") or []), delta.get("citation")]
        elif block["type"] in TOOL_CALLS:
            raise _broken(f"{kind} came for a {block['type']} block")

    def _add_piece(self, block: dict[str, Any], kind: str, delta: dict[str, Any]) -> None:
        name, of = _ADDS[kind]
        piece = delta.get(name)
        if block["type"] not in of or not isinstance(piece, str):
            raise _broken(f"{kind} came for a {block['type']} block, or without a text")
        self._pieces.append(piece)

    def _stop_block(self, event: dict[str, Any]) -> None:
        block, text = self._open_block(event), "".join(self._pieces)
        if block["type"] in TOOL_CALLS:
            self._take_input(block, text)
        elif block["type"] in ("text", "thinking"):
            begun = block.get(block["type"])
            block[block["type"]] = (begun if isinstance(begun, str) else "") + text
        self._open = None

    def _take_input(self, block: dict[str, Any], text: str) -> None:
        try:
            block["input"] = _input(block.get("input"), text)
        except BrokenStreamError as error:
            block["input"], self._half_input = {}, error

    def _end(self, event: dict[str, Any]) -> None:
        """Take the stop reason and the counts. Counts are totals: one that is not repeated keeps its last value."""
        assert self.message is not None
        delta, usage = event.get("delta"), event.get("usage")
        if self._open is not None or not isinstance(delta, dict):
            raise _broken("the answer ended within a block")
        self.message |= {name: value for name, value in delta.items() if value is not None}
        if isinstance(usage, dict):
            counted = {name: count for name, count in usage.items() if count is not None}
            self.message["usage"] = {**_dict(self.message.get("usage")), **counted}
        if self._half_input and self.message.get("stop_reason") not in _CUT_OFF:
            raise self._half_input
        self._may_add = False

    def _stop(self, _: dict[str, Any]) -> None:
        if self._open is not None:
            raise _broken("the answer ended within a block")
        self.is_whole = True

    @property
    def _content(self) -> list[dict[str, Any]]:
        assert self.message is not None
        content: list[dict[str, Any]] = self.message["content"]
        return content

    def _open_block(self, event: dict[str, Any]) -> dict[str, Any]:
        if self._open is None or event.get("index") != len(self._content) - 1:
            raise _broken(f"{event['type']} is about block {event.get('index')!r}, which is not open")
        return self._open


_TAKES = {
    "content_block_start": Assembly._start_block,
    "content_block_delta": Assembly._add,
    "content_block_stop": Assembly._stop_block,
    "message_delta": Assembly._end,
    "message_stop": Assembly._stop,
}


def _input(begun: Any, text: str) -> Any:
    """Read a tool's input from its deltas; without deltas, use what the block began with."""
    if not text:
        return {} if begun is None else begun
    try:
        # A proxy may split a surrogate pair over two deltas; a lone half is rejected.
        return strict_json(text.encode("utf-16", "surrogatepass").decode("utf-16"))
    except ValueError as error:
        raise _broken(f"the input of a tool call is not whole JSON: {error}") from error


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _broken(why: str) -> BrokenStreamError:
    return BrokenStreamError(f"the stream is broken: {why}")
