"""Fields of a request that the API would refuse."""

import anthropic
import pytest

from agentops.offline.errors import InvalidRequestError
from agentops.offline.request import check_request, parse_request

TOOL = {"name": "find", "input_schema": {"type": "object"}}
TOOLSET = {"type": "mcp_toolset", "mcp_server_name": "files"}


def request(**fields):
    whole = {
        "model": "claude-opus-5-5",
        "max_tokens": 10,
        "messages": [{"role": "user", "content": "Hi"}],
        **fields,
    }
    return {name: value for name, value in whole.items() if value != "absent"}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"model": "absent"}, "model: Field required"),
        ({"model": "gpt-9"}, "model: "),
        ({"model": 5}, "model: "),
        ({"max_tokens": "absent"}, "max_tokens: Field required"),
        ({"max_tokens": None}, "max_tokens: Field required"),
        ({"max_tokens": -1}, "max_tokens: "),
        ({"max_tokens": True}, "max_tokens: "),
        ({"messages": "absent"}, "messages: Field required"),
        ({"messages": "Hi"}, "messages: "),
        ({"temperature": 0.5}, "temperature: "),
        ({"top_p": 0.5}, "top_p: "),
        ({"top_k": 5}, "top_k: "),
        ({"colour": "red"}, "colour: Extra inputs are not permitted"),
        ({"stream": "yes"}, "stream: "),
        ({"system": 5}, "system: "),
        ({"system": [{"type": "text", "text": ""}]}, "system: "),
        ({"metadata": {"user_id": 5}}, "metadata: "),
        ({"thinking": "on"}, "thinking: "),
        ({"stop_sequences": [""]}, "stop_sequences: "),
        ({"tools": {}}, "tools: "),
        ({"tools": [5]}, r"tools\.0\.custom: Input should be a valid dictionary$"),
        ({"tools": [{**TOOL, "name": "find it"}]}, r"tools\.0\.custom\.name: String should match pattern"),
        ({"tools": [{**TOOL, "name": "x" * 129}]}, r"tools\.0\.custom\.name: "),
        ({"tools": [TOOL, TOOL]}, r"tools: Tool names must be unique"),
        ({"tools": [{"name": "find"}]}, r"tools\.0\.custom\.input_schema: Field required"),
        ({"tools": [TOOL, {"name": "b", "input_schema": {}}]}, r"tools\.1\.custom\.input_schema\.type: "),
        ({"tool_choice": {"type": "some"}}, r"tool_choice\.type: "),
        ({"tool_choice": {"type": "tool", "name": "find"}}, r"tool_choice\.name: Tool 'find' not found"),
        ({"tools": [TOOLSET], "tool_choice": {"type": "tool"}}, r"tool_choice\.name: "),
    ],
)
def test_a_wrong_field_is_named(fields, message):
    with pytest.raises(InvalidRequestError, match=f"^{message}"):
        check_request(request(**fields))


@pytest.mark.parametrize(
    "fields",
    [
        {"max_tokens": 0},
        {"metadata": None},
        {"metadata": {"user_id": None}},
        {"system": [{"type": "text", "text": "Be kind."}]},
        {"tools": [TOOL, {"type": "web_search_20260318", "name": "web_search"}]},
        {"tools": [TOOLSET, {**TOOLSET, "mcp_server_name": "mail"}]},
        {"tools": [{**TOOLSET, "name": ["files"]}]},
        {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "find"}},
        {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}},
    ],
)
def test_a_right_field_passes(fields):
    check_request(request(**fields))


def test_toolsets_without_names_pass_when_tokens_are_counted():
    check_request(request(tools=[TOOLSET, TOOLSET], max_tokens="absent"), counting=True)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'{"max_tokens": NaN}', b"[" * 100_000])
def test_a_body_that_is_no_json_object_is_refused(body):
    with pytest.raises(InvalidRequestError, match="JSON"):
        parse_request(body)


def test_the_sdk_sees_a_bad_request(serve, connect, ask):
    client = connect(serve())

    with pytest.raises(anthropic.BadRequestError, match="temperature") as raised:
        client.messages.create(**ask(), extra_body={"temperature": 0.5})

    assert raised.value.type == "invalid_request_error"
