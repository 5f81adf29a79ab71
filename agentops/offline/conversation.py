"""One reading of a request's messages, and the templates that are filled from it. No rule is checked here."""

import json
import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from agentops.offline.jsontext import JsonObject, compact

MISSING = "?"

# The look-ahead lets a regular expression end in a brace: {{match:\d{4}}}.
TEMPLATE = re.compile(r"\{\{(.+?)\}\}(?!\})")


@dataclass(frozen=True, slots=True)
class Turn:
    """Consecutive messages of one role, taken together as the API takes them.

    Shape: `index` is the position of the first of them in `messages`; `blocks` never holds a bare string.
    """

    role: str
    index: int
    blocks: list[JsonObject] = field(default_factory=list)


def as_blocks(content: Any) -> list[JsonObject]:
    """Turn content into blocks: a bare string is one text block, an empty one is none."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return list(content or [])


def merged_turns(messages: list[JsonObject]) -> list[Turn]:
    """Join consecutive messages of one role into turns."""
    turns: list[Turn] = []
    for index, message in enumerate(messages):
        if not turns or turns[-1].role != message["role"]:
            turns.append(Turn(message["role"], index))
        turns[-1].blocks.extend(as_blocks(message["content"]))
    return turns


def text_of(blocks: list[JsonObject]) -> str:
    """Join the text blocks, one a line."""
    return "\n".join(str(block["text"]) for block in blocks if block.get("type") == "text")


class PromptBlock(NamedTuple):
    """One block of the prompt: where it is in the request, and whether in `tools`, `system` or a message of a role."""

    where: str
    section: str
    block: JsonObject


def prompt_blocks(request: JsonObject) -> list[PromptBlock]:
    """List what the model reads, in the order it reads: tools, system, messages."""
    parts = [("tools", "tools", request.get("tools") or []), ("system", "system", as_blocks(request.get("system")))]
    for index, message in enumerate(request["messages"]):
        parts.append((f"messages.{index}.content", message["role"], as_blocks(message["content"])))
    return [
        PromptBlock(f"{where}.{place}", section, block)
        for where, section, blocks in parts
        for place, block in enumerate(blocks)
    ]


class OfflineConversation:
    """Answer the questions that scripts and templates ask about a request."""

    def __init__(self, request: JsonObject) -> None:
        self.request = request
        self.model: str = request["model"]
        self.user_id: str | None = (request.get("metadata") or {}).get("user_id")
        self.system_text = text_of(as_blocks(request.get("system")))
        self.turns = merged_turns(request["messages"])
        self.assistant_turns = [turn for turn in self.turns if turn.role == "assistant"]
        self.ends_with_assistant = self.turns[-1].role == "assistant"
        # Only of turns that have any: tool results are not user text.
        texts = [text for turn in self.turns if turn.role == "user" and (text := text_of(turn.blocks))]
        self.first_user_text, self.last_user_text = (texts[0], texts[-1]) if texts else ("", "")

    def last_tool_result(self, name: str) -> str | None:
        """Return the text of the latest result of a tool, by its name; None when there is none."""
        blocks = [block for turn in self.turns for block in turn.blocks]
        uses = [block for block in blocks if block["type"] == "tool_use"]
        wanted = {block.get("id") for block in uses if block.get("name") == name}
        for block in reversed(blocks):
            if block["type"] == "tool_result" and block.get("tool_use_id") in wanted:
                parts = as_blocks(block.get("content"))
                return "\n".join(str(part["text"]) if part.get("type") == "text" else compact(part) for part in parts)
        return None


def template_error(value: Any) -> str | None:
    """Say what is wrong with the templates in the texts of a JSON value; None when all are known."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        problems = [template_error(item) for item in value]
    elif isinstance(value, str):
        problems = [_expression_error(expression) for expression in TEMPLATE.findall(value)]
    else:
        problems = []
    return next((problem for problem in problems if problem), None)


def _expression_error(expression: str) -> str | None:
    kind, _, argument = expression.partition(":")
    if kind == "match" and argument:
        try:
            re.compile(argument)
        except re.error as error:
            return f"{{{{{expression}}}}} is not a regular expression: {error}"
    elif expression not in ("user", "last_user") and not (kind == "tool" and argument):
        return f"unknown template {{{{{expression}}}}}"
    return None


def fill_text(text: str, conversation: OfflineConversation) -> str:
    """Replace every template of a text; what is missing becomes a question mark."""
    return TEMPLATE.sub(lambda found: _as_text(_value(found[1], conversation)), text)


def fill_value(value: Any, conversation: OfflineConversation) -> Any:
    """Fill the strings inside a JSON value; a string that is one template keeps the JSON type it walks to."""
    if isinstance(value, str):
        whole = TEMPLATE.fullmatch(value)
        # fullmatch may stretch over two templates: only a lone one is walked.
        if whole and TEMPLATE.findall(value) == [whole[1]]:
            return _value(whole[1], conversation)
        return fill_text(value, conversation)
    if isinstance(value, dict):
        return {key: fill_value(item, conversation) for key, item in value.items()}
    if isinstance(value, list):
        return [fill_value(item, conversation) for item in value]
    return value


def _value(expression: str, conversation: OfflineConversation) -> Any:
    kind, _, argument = expression.partition(":")
    if kind == "user":
        return conversation.first_user_text
    if kind == "last_user":
        return conversation.last_user_text
    if kind == "match":
        found = re.search(argument, conversation.first_user_text)
        if not found:
            return MISSING
        return found[1 if found.re.groups else 0] or MISSING
    return _tool_value(argument, conversation)


def _tool_value(argument: str, conversation: OfflineConversation) -> Any:
    name, *path = argument.split(".")
    text = conversation.last_tool_result(name)
    if text is None or not path:
        return MISSING if text is None else text
    try:
        value = json.loads(text)
        for step in path:
            value = value[int(step)] if isinstance(value, list) else value[step]
    except (ValueError, LookupError, TypeError):
        return MISSING
    return value


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else compact(value)
