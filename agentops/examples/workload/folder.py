"""The files of a workload folder as JSON values; what is wrong is named by file and line. Standard library only."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

POLICY, TOOLS, CONVERSATIONS = "policy.md", "tools.json", "conversations.jsonl"


class FolderError(ValueError):
    """A workload folder cannot be read; the message says which file, which line and why."""

    def __init__(self, path: Path, problem: str, *, line: int | None = None) -> None:
        super().__init__(f"{path}:{line}: {problem}" if line else f"{path}: {problem}")


def read_policy(folder: Path) -> str:
    """Read the agent's system prompt, byte for byte. Raises: FolderError."""
    path = folder / POLICY
    text = _text(path)
    if not text.strip():
        raise FolderError(path, "is empty", line=1)
    return text


def read_tools(folder: Path) -> list[dict[str, Any]]:
    """Read the tools' definitions in their order.

    Shape: `[{"name", "description", "input_schema", "effect"?}]`
    Raises: FolderError.
    """
    path = folder / TOOLS
    text = _text(path)
    try:
        tools = json.loads(text)
    except json.JSONDecodeError as error:
        raise FolderError(path, f"is not JSON: {error.msg}", line=error.lineno) from error
    if not isinstance(tools, list):
        raise FolderError(path, "must hold a list of tools", line=1)
    for number, tool in enumerate(tools, 1):
        problem = _tool_problem(tool)
        if problem:
            raise FolderError(path, f"tool {number} {problem}", line=_line_of_tool(text, number))
    return tools


def read_conversations(folder: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Read the recorded conversations, each with the number of its line. Raises: FolderError."""
    path = folder / CONVERSATIONS
    for number, line in enumerate(_text(path).split("\n"), 1):
        if not line.strip():
            continue
        try:
            conversation = json.loads(line)
        except json.JSONDecodeError as error:
            raise FolderError(path, f"is not JSON: {error.msg}", line=number) from error
        if not isinstance(conversation, dict) or not isinstance(conversation.get("turns"), list):
            raise FolderError(path, 'is not an object with "id" and "turns"', line=number)
        yield number, conversation


def _text(path: Path) -> str:
    """Decode a file without touching its line ends: the comparison is exact to the byte."""
    try:
        return path.read_bytes().decode()
    except OSError as error:
        raise FolderError(path, error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise FolderError(path, "is not UTF-8", line=line) from error


def _tool_problem(tool: Any) -> str | None:
    if not isinstance(tool, dict):
        return "is not an object"
    for field in ("name", "description"):
        if not isinstance(tool.get(field), str) or not tool[field]:
            return f"has no {field!r}"
    schema = tool.get("input_schema")
    if not isinstance(schema, dict) or schema.get("type") != "object":
        return f"({tool['name']}) has no 'input_schema' of type object"
    unknown = sorted(set(tool) - {"name", "description", "input_schema", "effect"})
    return f"({tool['name']}) has an unknown field {unknown[0]!r}" if unknown else None


def _line_of_tool(text: str, number: int) -> int:
    """Find the line on which an element of the outermost list begins; the text is known to be JSON."""
    decoder, at = json.JSONDecoder(), text.index("[")
    for _ in range(number):
        at += 1
        while text[at] in " \t\r\n,":
            at += 1
        begins, (_, at) = at, decoder.raw_decode(text, at)
        at -= 1
    return text.count("\n", 0, begins) + 1
