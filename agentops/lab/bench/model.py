"""A model in this very process: it answers at once, so that only the engine and the database are measured."""

from typing import Any

from runs.engine.provider import Answer

ANSWER_CHARS = 2_000
RESULT_CHARS = 200
MODEL_CALLS = 10
TOOL_CALLS = 10
STEPS = MODEL_CALLS + TOOL_CALLS

_USAGE = {"input_tokens": 900, "output_tokens": 500, "cache_read_input_tokens": 400, "cache_creation_input_tokens": 100}


def answer_at_once(request: dict[str, Any], **_: Any) -> Answer:
    """Answer with a long text and the next call; the first answer asks for two, the last for none."""
    turn = sum(message["role"] == "assistant" for message in request["messages"])
    calls = 2 if turn == 0 else turn < MODEL_CALLS - 1
    content: list[dict[str, Any]] = [{"type": "text", "text": "a" * ANSWER_CHARS}]
    content += [
        {"type": "tool_use", "id": f"toolu_{turn:04}_{number}", "name": "bench_put", "input": {"value": turn}}
        for number in range(calls)
    ]
    message = {
        "id": f"msg_{turn:04}",
        "type": "message",
        "role": "assistant",
        "model": request["model"],
        "content": content,
        "stop_reason": "tool_use" if calls else "end_turn",
        "usage": _USAGE,
    }
    return Answer(message=message, request_id="req_bench")
