"""Read what the provider, or a proxy before it, sends back: a stream of events, or one whole document.

The result is an answer, the error that was reported, or a broken stream. Nothing here trusts a header.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import chain
from typing import Any, cast

import anthropic
import httpx2

from runs import clock
from runs.engine.interruptible import interruptible, may_go_on
from runs.engine.provider_errors import error_in, is_error, response_of
from runs.engine.secret_arguments import UNFIT_CALLS
from runs.engine.signed_blocks import LEFT_OUT
from runs.engine.stream_assembly import TOOL_CALLS, Assembly
from runs.errors import BrokenStreamError, ModelTimeoutError
from runs.models.fields import dump_json
from runs.sanitize import depth
from runs.strict_json import strict_json

MAX_BYTES = 16 * 1024 * 1024  # of one answer; 64,000 tokens are far less
DEPTH_MAX = 100
_DRAIN_S = 0.5
_NOTES = frozenset({LEFT_OUT, UNFIT_CALLS})  # our own notes beside an answer: never taken from outside
_BOM = b"\xef\xbb\xbf"

Message = dict[str, Any]


def read_answer(response: httpx2.Response, *, model: str, begun: Callable[[Message], None]) -> Message:
    """Read a whole answer within `interruptible`; `begun` is called with the start of the message.

    Shape: as `whole`.
    Raises: BrokenStreamError; APIStatusError if an error was reported; httpx2 errors of a failed connection.
    """
    try:
        pieces = _bounded(response.iter_bytes())
        first = _first_words(pieces)
        if first.startswith(b"{"):
            message = _document(b"".join([first, *pieces]), response)
            begun(message)
        else:
            message = _streamed(chain([first], pieces), response, begun)
        return whole(message, model=model)
    except _SAY_MORE:
        raise
    except Exception as error:  # anything that the SDK or our code stumbles over
        raise BrokenStreamError(f"the answer cannot be read: {type(error).__name__}: {error}"[:2000]) from error


_SAY_MORE = (BrokenStreamError, anthropic.APIStatusError, httpx2.TransportError, httpx2.DecodingError)


def whole(message: Any, *, model: str) -> Message:
    """Check that a message is a valid answer and fill in what a proxy leaves out; blocks stay as they are.

    Shape: `id`, `model` and `stop_reason` are texts, `content` is a list of blocks with a `type`; text, thinking and
    tool blocks have all their parts. `usage` is not checked.
    Raises: BrokenStreamError, UnicodeError.
    """
    content = message.get("content") if isinstance(message, dict) else None
    if not isinstance(content, list) or not all(map(_is_block, content)):
        raise BrokenStreamError("the answer has no content that could be read")
    if depth(content) > DEPTH_MAX:
        raise BrokenStreamError(f"the answer is nested more deeply than {DEPTH_MAX} levels")
    dump_json([block["input"] for block in content if block["type"] in TOOL_CALLS]).encode()  # lone surrogates fail
    if message.get("role") not in (None, "assistant"):
        raise BrokenStreamError("the answer is not the model's")
    if not isinstance(message.get("stop_reason"), str) or not message["stop_reason"]:
        raise BrokenStreamError("the stream ended without a stop reason")
    given = {"id": _text(message.get("id")), "model": _text(message.get("model")) or model}
    said = {name: value for name, value in message.items() if name not in _NOTES}
    return {**said, **given, "content": content}


def _is_block(block: Any) -> bool:
    kind = block.get("type") if isinstance(block, dict) else None
    if kind in ("text", "thinking"):
        return isinstance(block.get(kind), str)
    return isinstance(kind, str) and (kind not in TOOL_CALLS or "input" in block)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _streamed(pieces: Iterable[bytes], response: httpx2.Response, begun: Callable[[Message], None]) -> Message:
    assembly = Assembly()
    events = _events(pieces, response)
    for event in events:
        assembly.take(event)
        if event.get("type") == "message_start" and assembly.message is not None:
            begun(assembly.message)
        if assembly.is_whole:
            _drain(events)
            break
        may_go_on()
    if assembly.message is None or not assembly.is_whole:
        raise BrokenStreamError("the stream ended without a stop reason, before message_stop")
    return assembly.message


def _events(pieces: Iterable[bytes], response: httpx2.Response) -> Iterator[dict[str, Any]]:
    """Read events off the wire. Raises: ValueError; APIStatusError for an error event."""
    for sse in anthropic.Stream.raw_events(cast("httpx2.Response", _Bytes(pieces))):
        if not sse.data or sse.event == "ping":
            continue
        event = strict_json(sse.data) if sse.event != "error" else _error_event(sse.data)
        if not isinstance(event, dict):
            raise BrokenStreamError("an event of the stream is no object")
        if is_error(event) or sse.event == "error":
            raise error_in(event, where="within a stream", response=response)
        yield event


def _error_event(data: str) -> Any:
    with suppress(ValueError):
        return strict_json(data)
    return {"type": "error", "error": {"type": "api_error", "message": data[:500]}}


class _Bytes:
    """The unread rest of a response."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = pieces

    def iter_bytes(self) -> Iterator[bytes]:
        """Return the remaining bytes."""
        yield from self._pieces


def _drain(events: Iterator[Any]) -> None:
    """Read to the end of the body so that the connection can be reused; the answer is complete without it."""
    ends_at = clock.monotonic() + _DRAIN_S

    def not_for_long() -> None:
        if clock.monotonic() > ends_at:
            raise ModelTimeoutError("more came after the end of the answer")

    with suppress(Exception), interruptible(not_for_long):
        for _ in events:
            not_for_long()


def _document(body: bytes, response: httpx2.Response) -> Any:
    document = strict_json(body)
    if is_error(document):
        where = f"in an answer with status {response.status_code}"
        raise error_in(document, where=where, response=response_of(document, like=response))
    return document


def _first_words(pieces: Iterator[bytes]) -> bytes:
    """Read until there is something other than blanks."""
    first = b""
    for piece in pieces:
        first = (first + piece).removeprefix(_BOM).lstrip()
        if first and first != _BOM[: len(first)]:
            break
    return first


def _bounded(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Pass bytes on, up to the maximum size of an answer. Raises: BrokenStreamError."""
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > MAX_BYTES:
            raise BrokenStreamError(f"the answer is longer than {MAX_BYTES >> 20} MB")
        yield piece
