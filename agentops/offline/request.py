"""The shape of a request body: known fields, their types, tool definitions. Messages are elsewhere."""

import json
import re
from collections.abc import Callable
from typing import Any

from agentops.offline.errors import InvalidRequestError
from agentops.offline.jsontext import JsonObject

MODEL_NAME = re.compile(r"claude-[a-z0-9][a-z0-9.@-]*")
TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
TOOL_CHOICES = frozenset({"auto", "any", "tool", "none"})

OBJECT_FIELDS = frozenset(
    {
        "compaction",
        "context_management",
        "diagnostics",
        "metadata",
        "output_config",
        "output_format",
        "thinking",
        "tool_choice",
    }
)
OTHER_FIELDS = frozenset(
    {
        "betas",
        "cache_control",
        "container",
        "inference_geo",
        "max_tokens",
        "mcp_servers",
        "messages",
        "model",
        "service_tier",
        "speed",
        "stop_sequences",
        "stream",
        "system",
        "tools",
        "user_profile_id",
        "workspace_id",
    }
)
REQUIRED_FIELDS = ("model", "max_tokens", "messages")

# Spelled out because they were allowed once and code still sends them.
REMOVED_FIELDS = frozenset({"temperature", "top_p", "top_k"})


def parse_request(body: bytes) -> JsonObject:
    """Read a body as a JSON object.

    Raises: InvalidRequestError when it is not one.
    """
    try:
        request = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidRequestError(f"The request body is not valid JSON: {error}") from error
    if not isinstance(request, dict):
        raise InvalidRequestError("The request body must be a JSON object")
    return request


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")


def check_request(request: JsonObject, *, counting: bool = False) -> None:
    """Refuse unknown, missing and mistyped fields; `counting` asks for no `max_tokens`.

    Raises: InvalidRequestError, its message beginning with the field.
    """
    for name in request:
        if name in REMOVED_FIELDS:
            raise InvalidRequestError(f"{name}: sampling parameters are not supported in this API version")
        if name not in OBJECT_FIELDS | OTHER_FIELDS:
            raise InvalidRequestError(f"{name}: Extra inputs are not permitted")
    for name in REQUIRED_FIELDS:
        if request.get(name) is None and not (counting and name == "max_tokens"):
            raise InvalidRequestError(f"{name}: Field required")
    for name, (accepts, expected) in FIELD_RULES.items():
        if request.get(name) is not None and not accepts(request[name]):
            raise InvalidRequestError(f"{name}: {expected}")
    check_tools(request)


def check_tools(request: JsonObject) -> None:
    """Refuse malformed or repeated tool definitions, and a choice of a tool that is not there.

    Raises: InvalidRequestError, its message naming the tool's position.
    """
    names = [_checked_tool_name(index, tool) for index, tool in enumerate(request.get("tools") or [])]
    if len(set(names)) != len(names):
        raise InvalidRequestError("tools: Tool names must be unique.")
    choice = request.get("tool_choice")
    if choice is None:
        return
    if choice.get("type") not in TOOL_CHOICES:
        raise InvalidRequestError("tool_choice.type: Input should be 'auto', 'any', 'tool' or 'none'")
    if choice["type"] == "tool" and choice.get("name") not in names:
        name = choice.get("name")
        raise InvalidRequestError(f"tool_choice.name: Tool '{name}' not found in provided tools")


def _checked_tool_name(index: int, tool: JsonObject) -> str:
    if tool.get("type") not in (None, "custom"):
        # A tool of the provider has fields of its own, and not every kind has a name.
        return str(tool.get("name") or f"{tool['type']} {index}")
    where = f"tools.{index}.custom"
    name = tool.get("name")
    if not isinstance(name, str) or not TOOL_NAME.fullmatch(name):
        raise InvalidRequestError(f"{where}.name: String should match pattern '^{TOOL_NAME.pattern}$'")
    schema = tool.get("input_schema")
    if not isinstance(schema, dict):
        raise InvalidRequestError(f"{where}.input_schema: Field required")
    if schema.get("type") != "object":
        raise InvalidRequestError(f"{where}.input_schema.type: Input should be 'object'")
    return name


def _is_model(value: Any) -> bool:
    return isinstance(value, str) and MODEL_NAME.fullmatch(value) is not None


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _is_metadata(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("user_id"), str | None)


def _is_objects(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) and item for item in value)


def _is_system(value: Any) -> bool:
    return isinstance(value, str) or (_is_objects(value) and all(map(_is_text_block, value)))


def _is_text_block(value: JsonObject) -> bool:
    return value.get("type") == "text" and isinstance(value.get("text"), str) and value["text"] != ""


FIELD_RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    **dict.fromkeys(OBJECT_FIELDS, (_is_object, "Input should be a valid dictionary")),
    "model": (_is_model, "Input should be a model name such as 'claude-opus-5-5'"),
    "max_tokens": (_is_count, "Input should be a whole number of at least 0"),
    "messages": (_is_objects, "Input should be a list of messages"),
    "metadata": (_is_metadata, "Input should be a dictionary with a user_id that is a string"),
    "stop_sequences": (_is_texts, "Input should be a list of non-empty strings"),
    "stream": (lambda value: isinstance(value, bool), "Input should be a valid boolean"),
    "system": (_is_system, "Input should be a string or a list of non-empty text blocks"),
    "tools": (_is_objects, "Input should be a list of tool definitions"),
}
