"""Templates in scripted answers: `{{user}}`, `{{tool:NAME.path}}` and their like, filled from the request."""

import json
import re
from typing import Any

from agentops.offline.conversation import Conversation
from agentops.offline.jsontext import compact

MISSING = "?"

# The look-ahead lets a regular expression end in a brace: {{match:\d{4}}}.
TEMPLATE = re.compile(r"\{\{(.+?)\}\}(?!\})")


def template_error(text: str) -> str | None:
    """Say what is wrong with the templates of a text; None when all are known."""
    for expression in TEMPLATE.findall(text):
        kind, _, argument = expression.partition(":")
        if kind == "match" and argument:
            try:
                re.compile(argument)
            except re.error as error:
                return f"{{{{{expression}}}}} is not a regular expression: {error}"
        elif expression not in ("user", "last_user") and not (kind == "tool" and argument):
            return f"unknown template {{{{{expression}}}}}"
    return None


def fill_text(text: str, conversation: Conversation) -> str:
    """Replace every template of a text; what is missing becomes a question mark."""
    return TEMPLATE.sub(lambda found: _as_text(_value(found[1], conversation)), text)


def fill_value(value: Any, conversation: Conversation) -> Any:
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


def _value(expression: str, conversation: Conversation) -> Any:
    kind, _, argument = expression.partition(":")
    if kind == "user":
        return conversation.first_user_text
    if kind == "last_user":
        return conversation.last_user_text
    if kind == "match":
        return _first_group(argument, conversation.first_user_text)
    return _tool_value(argument, conversation)


def _first_group(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    if not found:
        return MISSING
    return (found[1] if found.re.groups else found[0]) or MISSING


def _tool_value(argument: str, conversation: Conversation) -> Any:
    name, *path = argument.split(".")
    text = conversation.last_tool_result(name)
    if text is None or not path:
        return MISSING if text is None else text
    try:
        return _walk(json.loads(text), path)
    except (ValueError, LookupError, TypeError):
        return MISSING


def _walk(value: Any, path: list[str]) -> Any:
    for step in path:
        value = value[int(step)] if isinstance(value, list) else value[step]
    return value


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else compact(value)
