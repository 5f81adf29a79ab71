"""Messages that the API would refuse, and those it takes."""

import anthropic
import pytest

from agentops.offline.errors import InvalidRequestError
from agentops.offline.request import check_request
from agentops.offline.transcript import check_transcript


def user(*content):
    return {"role": "user", "content": list(content)}


def assistant(*content):
    return {"role": "assistant", "content": list(content)}


def text(words="Hi"):
    return {"type": "text", "text": words}


def use(identifier="toolu_1", **fields):
    return {"type": "tool_use", "id": identifier, "name": "find", "input": {}, **fields}


def result(identifier="toolu_1", **fields):
    return {"type": "tool_result", "tool_use_id": identifier, "content": "found", **fields}


SERVER_USE = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}

REFUSED = {
    "no messages": ([], "messages: at least one message is required"),
    "assistant first": ([assistant(text()), user(text())], 'first message must use the "user" role'),
    "unknown role": ([{"role": "tool", "content": "x"}], r"messages\.0\.role: "),
    "content of no kind": (
        [{"role": "user", "content": 5}],
        r"messages\.0\.content: Input should be a string or a list of content blocks$",
    ),
    "no content": ([{"role": "user"}], r"messages\.0\.content: Field required"),
    "extra field": ([{"role": "user", "content": "x", "id": 1}], r"messages\.0\.id: Extra inputs"),
    "extra block field": (
        [user({**text(), "parsed": 1})],
        r"messages\.0\.content\.0\.text\.parsed: Extra inputs",
    ),
    "empty content": ([user(), assistant(text()), user(text())], r"messages\.0: .*non-empty content"),
    "empty string": ([{"role": "user", "content": ""}], r"messages\.0: .*non-empty content"),
    "blank string": ([{"role": "user", "content": " \n"}], r"messages\.0: .*non-whitespace"),
    "empty assistant": ([user(text()), assistant(), user(text())], r"messages\.1: .*non-empty content"),
    "empty text": ([user(text(""))], r"messages\.0\.content\.0\.text\.text: .*non-empty"),
    "no type": ([user({"text": "x"})], r"messages\.0\.content\.0\.type: Field required"),
    "tool_use of a user": (
        [user(use())],
        r"messages\.0\.content\.0: `tool_use` blocks are not allowed in user",
    ),
    "tool_result of the model": ([user(text()), assistant(result())], "`tool_result` blocks are not allowed"),
    "bad id": (
        [user(text()), assistant(use("a b"))],
        r"messages\.1\.content\.0\.tool_use\.id: String should match",
    ),
    "bad name": ([user(text()), assistant(use(name="a.b"))], r"tool_use\.name: String should match"),
    "bad input": (
        [user(text()), assistant(use(input="{}"))],
        r"tool_use\.input: Input should be a valid dict",
    ),
    "prefill": ([user(text()), assistant(text())], "does not support assistant message prefill"),
    "unanswered": (
        [user(text()), assistant(use()), user(text())],
        r"messages\.1: `tool_use` ids were found without `tool_result` blocks immediately after: toolu_1\.",
    ),
    "partly answered": (
        [user(text()), assistant(use("a"), use("b")), user(result("a"))],
        r"messages\.1: .*immediately after: b\.",
    ),
    "answered too late": (
        [user(text()), assistant(use()), user(text()), assistant(text()), user(result())],
        r"messages\.\d: ",
    ),
    "text before results": (
        [user(text()), assistant(use()), user(text(), result())],
        r"messages\.1: .*immediately after: toolu_1",
    ),
    "result of nothing": (
        [user(text()), assistant(text()), user(result("toolu_9"))],
        r"messages\.2: unexpected `tool_use_id` found in `tool_result` blocks: toolu_9",
    ),
    "result first": ([user(result())], r"messages\.0: unexpected `tool_use_id`"),
    "two results": (
        [user(text()), assistant(use()), user(result(), result())],
        r"messages\.2: each tool_use must have a single result",
    ),
    "one id twice": (
        [user(text()), assistant(use()), user(result()), assistant(use()), user(result())],
        r"messages\.3: `tool_use` ids must be unique: toolu_1",
    ),
    "instructions between call and result": (
        [user(text()), assistant(use()), {"role": "system", "content": "Hurry."}, user(result())],
        r"messages\.3: unexpected|messages\.1: `tool_use` ids",
    ),
}

TAKEN = {
    "a string": [{"role": "user", "content": "Hi"}],
    "two of one role": [user(text()), user(text())],
    "results, then text": [
        user(text()),
        assistant(text(), use("a"), use("b")),
        user(result("b"), result("a"), text()),
    ],
    "results in two messages": [
        user(text()),
        assistant(use("a"), use("b")),
        user(result("a")),
        user(result("b")),
    ],
    "an error without content": [user(text()), assistant(use()), user(result(is_error=True, content=None))],
    "an empty result": [user(text()), assistant(use()), user(result(content=""))],
    "later instructions": [user(text()), {"role": "system", "content": "Be brief."}],
    "a turn paused by the server": [user(text()), assistant(text(), SERVER_USE)],
    "unknown blocks": [user({"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}})],
}


def check(messages, **options):
    check_request({"model": "claude-opus-5-5", "max_tokens": 10, "messages": messages})
    check_transcript(messages, **options)


@pytest.mark.parametrize(("messages", "message"), REFUSED.values(), ids=REFUSED)
def test_a_wrong_transcript_is_refused(messages, message):
    with pytest.raises(InvalidRequestError, match=message):
        check(messages)


@pytest.mark.parametrize("messages", TAKEN.values(), ids=TAKEN)
def test_a_right_transcript_is_taken(messages):
    check(messages)


def test_a_paused_turn_may_be_sent_back():
    check([user(text()), assistant(text())], may_continue=True)


def test_the_sdk_sees_a_bad_request_for_an_unanswered_call(serve, connect, ask):
    client = connect(serve())

    with pytest.raises(anthropic.BadRequestError) as raised:
        client.messages.create(**ask("Hi", [use()], "Never mind"))

    assert raised.value.api_message.startswith("messages.1: `tool_use` ids were found without")
