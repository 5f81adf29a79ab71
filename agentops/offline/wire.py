"""Messages and errors as bytes: server-sent events and JSON bodies, and what a proxy does to them.

Source: the provider's streaming and errors pages.
"""

from collections.abc import Iterator
from dataclasses import replace

from agentops.offline.errors import OfflineApiError, injected_error
from agentops.offline.faults import Fault
from agentops.offline.jsontext import JsonObject, compact_ascii
from agentops.offline.reply import TOOL_CALLS, Reply

PIECES = 4
LONGEST_PIECE = 48

# What a block that comes in deltas begins with.
OPENING: dict[str, JsonObject] = {
    "text": {"text": ""},
    "thinking": {"thinking": "", "signature": ""},
    **{kind: {"input": {}} for kind in TOOL_CALLS},
}
ENDING_FIELDS = ("stop_reason", "stop_sequence", "stop_details")

# message_start cannot know the output yet; the API sends a small number there.
OUTPUT_PLACEHOLDER = 1


def event(name: str, data: JsonObject) -> bytes:
    """Write one server-sent event; its data repeats the name as `type`."""
    return f"event: {name}\ndata: {compact_ascii({'type': name, **data})}\n\n".encode()


def error_body(error: OfflineApiError, request_id: str) -> JsonObject:
    """Build the body of an error answer.

    Shape: {"type": "error", "error": {"type", "message", "details"?: {"error_code"}}, "request_id"}
    """
    described: JsonObject = {"type": error.error_type, "message": error.message}
    if error.error_code:
        described["details"] = {"error_code": error.error_code}
    return {"type": "error", "error": described, "request_id": request_id}


def stream_events(reply: Reply) -> list[bytes]:
    """List the events of a streamed message, from message_start to message_stop."""
    message = reply.message
    started = {**message, "content": [], "stop_reason": None, "stop_sequence": None}
    usage = message.get("usage")
    if isinstance(usage, dict) and isinstance(usage.get("output_tokens"), int):
        started["usage"] = {**usage, "output_tokens": min(OUTPUT_PLACEHOLDER, usage["output_tokens"])}
    started.pop("stop_details", None)
    events = [event("message_start", {"message": started}), event("ping", {})]
    last = len(message["content"]) - 1
    for index, block in enumerate(message["content"]):
        events.extend(_block_events(index, block, reply.cut_input if index == last else None))
    ending = {name: message[name] for name in ENDING_FIELDS if name in message}
    if isinstance(usage, dict):
        usage = {name: count for name, count in usage.items() if name.endswith("_tokens")}
    events.append(event("message_delta", {"delta": ending, **({"usage": usage} if "usage" in message else {})}))
    events.append(event("message_stop", {}))
    return events


def _block_events(index: int, block: JsonObject, cut_input: str | None) -> Iterator[bytes]:
    opening = {**block, **OPENING.get(block["type"], {})}
    yield event("content_block_start", {"index": index, "content_block": opening})
    for delta in _deltas(block, cut_input):
        yield event("content_block_delta", {"index": index, "delta": delta})
    yield event("content_block_stop", {"index": index})


def _deltas(block: JsonObject, cut_input: str | None) -> Iterator[JsonObject]:
    if block["type"] == "text":
        for piece in _pieces(str(block.get("text", ""))):
            yield {"type": "text_delta", "text": piece}
    elif block["type"] in TOOL_CALLS:
        whole = compact_ascii(block.get("input", {})) if cut_input is None else cut_input
        yield {"type": "input_json_delta", "partial_json": ""}
        for piece in _pieces("" if whole == "{}" else whole):
            yield {"type": "input_json_delta", "partial_json": piece}
    elif block["type"] == "thinking":
        for piece in _pieces(block.get("thinking", "")):
            yield {"type": "thinking_delta", "thinking": piece}
        yield {"type": "signature_delta", "signature": block.get("signature", "")}


def _pieces(text: str) -> list[str]:
    size = min(LONGEST_PIECE, max(1, -(-len(text) // PIECES)))
    return [text[start : start + size] for start in range(0, len(text), size)]


def damaged(events: list[bytes], fault: Fault | None, request_id: str) -> list[bytes]:
    """Do to a stream what its fault says: break it off with an error; or drop, repeat and swap events."""
    if fault and fault.kind == "sse_error":
        return [events[0], event("error", error_body(injected_error(fault), request_id))]
    if not fault or fault.kind != "mangle":
        return events
    order = list(range(len(events)))
    for place in fault.swap:
        order[place : place + 2] = reversed(order[place : place + 2])
    kept = [place for place in order if place not in fault.drop]
    return [events[place] for place in kept for _ in range(2 if place in fault.repeat else 1)]


def with_usage(reply: Reply, fault: Fault) -> Reply:
    """Say of an answer's usage what a `usage` fault says."""
    message = {**reply.message, "usage": fault.usage}
    if fault.absent:
        del message["usage"]
    return replace(reply, message=message)
