"""What the turns of a conversation must look like for a replay to follow them to the end. Pure."""

from typing import Any

FIELDS: dict[str, dict[str, type]] = {
    "text": {"type": str, "text": str},
    "tool_use": {"type": str, "id": str, "name": str, "input": dict},
    "tool_result": {"type": str, "tool_use_id": str, "content": str},
}


def check_turns(turns: list[Any], tools: set[str]) -> str | None:
    """Say what is wrong with a conversation's turns and in which of them; None if nothing is."""
    if not turns:
        return "has no turns"
    asked: list[str] = []  # the calls of the turn before, whose results must follow
    for position, turn in enumerate(turns):
        problem = _turn_problem(turn, assistant=position % 2 == 1, asked=asked, tools=tools)
        if problem:
            return f"turn {position}: {problem}"
        asked = [block["id"] for block in turn["content"] if block["type"] == "tool_use"]
    if turns[-1]["role"] == "assistant":
        return "ends with the agent; it must end with a customer's text or a tool's result"
    return None


def _turn_problem(turn: Any, *, assistant: bool, asked: list[str], tools: set[str]) -> str | None:
    role = "assistant" if assistant else "user"
    if not isinstance(turn, dict) or turn.get("role") != role:
        return f'must have the role "{role}"'
    if set(turn) - {"role", "content", "stop_reason"}:
        return f"has an unknown field {min(set(turn) - {'role', 'content', 'stop_reason'})!r}"
    blocks = turn.get("content")
    if not isinstance(blocks, list) or not blocks:
        return "has no content"
    for block in blocks:
        problem = _block_problem(block)
        if problem:
            return problem
    if assistant:
        return _agent_problem(turn, tools)
    return _results_problem(blocks, asked) if asked else _words_problem(blocks)


def _block_problem(block: Any) -> str | None:
    fields = FIELDS.get(str(block.get("type"))) if isinstance(block, dict) else None
    if fields is None:
        return f"has a block that is none of {', '.join(FIELDS)}"
    if set(block) != set(fields):
        return f"a {block['type']} block must have the fields {', '.join(fields)} and no other"
    wrong = [name for name, kind in fields.items() if not isinstance(block[name], kind)]
    return f"{wrong[0]} of a {block['type']} block has the wrong type" if wrong else None


def _agent_problem(turn: dict[str, Any], tools: set[str]) -> str | None:
    kinds = {block["type"] for block in turn["content"]}
    expected = "tool_use" if "tool_use" in kinds else "end_turn"
    if "tool_result" in kinds:
        return "the agent cannot give tool results"
    if turn.get("stop_reason") != expected:
        return f'must have the stop_reason "{expected}"'
    unknown = [b["name"] for b in turn["content"] if b["type"] == "tool_use" and b["name"] not in tools]
    if unknown:
        return f"calls the tool {unknown[0]!r}, which is not in tools.json"
    if expected == "end_turn" and not any(block["text"].strip() for block in turn["content"]):
        return "asks nothing"
    return None


def _results_problem(blocks: list[dict[str, Any]], asked: list[str]) -> str | None:
    if [block.get("tool_use_id") for block in blocks] == asked:
        return None
    return f"must give the results of {', '.join(asked)} in this order and nothing else"


def _words_problem(blocks: list[dict[str, Any]]) -> str | None:
    if len(blocks) == 1 and blocks[0]["type"] == "text" and blocks[0]["text"].strip():
        return None
    return "must be one text of the customer"
