"""A request body: its known fields, their types, tool definitions."""

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Discriminator, Field, Tag, WrapValidator
from pydantic import ValidatorFunctionWrapHandler as Inner

from agentops.offline.errors import InvalidRequestError, checked
from agentops.offline.jsontext import JsonObject
from agentops.offline.shapes import Exact, Messages, Text, wrong

# Spelled out because they were allowed once and code still sends them.
REMOVED_FIELDS = ("temperature", "top_p", "top_k")


def _expected(what: str) -> WrapValidator:
    """Say what a field should be, whatever is wrong inside it."""

    def check(value: Any, inner: Inner) -> Any:
        try:
            return inner(value)
        except ValueError:
            raise wrong(f"Input should be {what}") from None

    return WrapValidator(check)


class _Schema(BaseModel):
    type: Literal["object"]


class _CustomTool(BaseModel):
    name: str = Field(pattern=r"^[a-zA-Z0-9_-]{1,128}$")
    input_schema: _Schema


def _maker(tool: Any) -> str:
    # A tool of the provider has fields of its own, and not every kind has a name.
    return "custom" if not isinstance(tool, dict) or tool.get("type") in (None, "custom") else "provided"


_Tool = Annotated[_CustomTool, Tag("custom")] | Annotated[JsonObject, Tag("provided")]
_Count = Annotated[int, Field(ge=0), _expected("a whole number of at least 0")]


class _SystemBlock(BaseModel):
    type: Literal["text"]
    text: Text


class _Metadata(BaseModel):
    user_id: str | None = None


class _ToolChoice(BaseModel):
    type: Literal["auto", "any", "tool", "none"]
    name: Any = None


class _CountRequest(Exact):
    model: Annotated[
        str,
        Field(pattern=r"^claude-[a-z0-9][a-z0-9.@-]*$"),
        _expected("a model name such as 'claude-opus-5-5'"),
    ]
    max_tokens: _Count | None = None
    messages: Messages
    system: Annotated[str | list[_SystemBlock], _expected("a string or a list of non-empty text blocks")] = ""
    tools: list[Annotated[_Tool, Discriminator(_maker)]] = []
    tool_choice: _ToolChoice | None = None
    metadata: Annotated[_Metadata, _expected("a dictionary with a user_id that is a string")] | None = None
    stop_sequences: Annotated[list[Text], _expected("a list of non-empty strings")] = []
    stream: bool = False
    compaction: JsonObject = {}
    context_management: JsonObject = {}
    diagnostics: JsonObject = {}
    output_config: JsonObject = {}
    output_format: JsonObject = {}
    thinking: JsonObject = {}
    betas: Any = None
    cache_control: Any = None
    container: Any = None
    inference_geo: Any = None
    mcp_servers: Any = None
    service_tier: Any = None
    speed: Any = None
    user_profile_id: Any = None
    workspace_id: Any = None


class _MessageRequest(_CountRequest):
    max_tokens: _Count


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
    for name in REMOVED_FIELDS:
        if name in request:
            raise InvalidRequestError(f"{name}: sampling parameters are not supported in this API version")
    shape = _CountRequest if counting else _MessageRequest
    given = {name: value for name, value in request.items() if value is not None or name not in shape.model_fields}
    asked = checked(shape, given)
    names = [_name_of(tool, index) for index, tool in enumerate(asked.tools)]
    if len(set(names)) != len(names):
        raise InvalidRequestError("tools: Tool names must be unique.")
    choice = asked.tool_choice
    if choice and choice.type == "tool" and choice.name not in names:
        raise InvalidRequestError(f"tool_choice.name: Tool '{choice.name}' not found in provided tools")


def _name_of(tool: _CustomTool | JsonObject, index: int) -> str:
    if isinstance(tool, _CustomTool):
        return tool.name
    return str(tool.get("name") or f"{tool['type']} {index}")
