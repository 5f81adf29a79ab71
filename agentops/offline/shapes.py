"""The shapes of messages and their blocks, as pydantic types. Rules across messages are in `transcript.py`."""

from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, WrapValidator
from pydantic import ValidatorFunctionWrapHandler as Inner
from pydantic_core import PydanticCustomError

from agentops.offline.jsontext import JsonObject

OtherKind = Literal[
    "advisor_tool_result",
    "bash_code_execution_tool_result",
    "code_execution_tool_result",
    "compaction",
    "container_upload",
    "document",
    "fallback",
    "image",
    "mcp_tool_listing",
    "mcp_tool_result",
    "mcp_tool_use",
    "search_result",
    "server_tool_use",
    "text_editor_code_execution_tool_result",
    "tool_reference",
    "tool_search_tool_result",
    "web_fetch_tool_result",
    "web_search_tool_result",
]
OTHERS = frozenset(get_args(OtherKind))  # these pass with whatever fields they have
ONLY_IN = {
    "tool_use": "assistant",
    "tool_result": "user",
    "thinking": "assistant",
    "redacted_thinking": "assistant",
}


def wrong(problem: str) -> PydanticCustomError:
    """Make the error that a validator raises."""
    return PydanticCustomError("request", "{problem}", {"problem": problem})


class Exact(BaseModel):
    """An object with these fields and no other."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Typed(BaseModel):
    """A block of whatever kind."""

    type: str


Text = Annotated[str, Field(min_length=1)]


def _typed(block: Any) -> Any:
    Typed.model_validate(block)
    return block


def _in_its_place(block: "_Block", info: ValidationInfo) -> "_Block":
    role = info.data.get("role", "tool_result")
    if ONLY_IN.get(block.type, role) != role or (role == "system" and block.type != "text"):
        raise wrong(f"`{block.type}` blocks are not allowed in {role} messages")
    return block


def _not_blank(text: str) -> str:
    if not text.strip():
        raise wrong("text content blocks must be non-empty")
    return text


class _TextBlock(Exact):
    type: Literal["text"]
    text: Annotated[str, AfterValidator(_not_blank)]
    citations: Any = None
    cache_control: Any = None


class _ToolUse(Exact):
    type: Literal["tool_use"]
    id: str = Field(pattern=r"^[a-zA-Z0-9_-]+$")
    name: str = Field(pattern=r"^[a-zA-Z0-9_-]{1,200}$")
    input: JsonObject
    caller: Any = None
    toolset_name: Any = None
    cache_control: Any = None


class _ToolResult(Exact):
    type: Literal["tool_result"]
    tool_use_id: str
    content: "_Content | None" = None
    is_error: bool | None = None
    cache_control: Any = None


class _Thinking(Exact):
    type: Literal["thinking"]
    thinking: str
    signature: str


class _RedactedThinking(Exact):
    type: Literal["redacted_thinking"]
    data: str


class _Other(BaseModel):
    type: OtherKind


_Block = _TextBlock | _ToolUse | _ToolResult | _Thinking | _RedactedThinking | _Other


def _text_or_blocks(content: Any, blocks: Inner) -> Any:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise wrong("Input should be a string or a list of content blocks")
    return blocks(content)


_Content = Annotated[
    list[Annotated[_Block, Field(discriminator="type"), BeforeValidator(_typed), AfterValidator(_in_its_place)]],
    WrapValidator(_text_or_blocks),
]


class MessageParam(Exact):
    """One message of the conversation."""

    role: Literal["user", "assistant", "system"]
    content: _Content


def _not_empty(messages: list[MessageParam]) -> list[MessageParam]:
    if not messages:
        raise wrong("at least one message is required")
    return messages


Messages = Annotated[list[MessageParam], AfterValidator(_not_empty)]
