"""Templates, filled from the request."""

import json

import pytest

from agentops.offline.conversation import OfflineConversation, fill_text, fill_value, template_error

RESULT = {"total_usd": 12.5, "paid": True, "lines": [{"sku": "A-1"}, {"sku": "B-2"}], "note": "ok"}


@pytest.fixture
def conversation():
    call = {"type": "tool_use", "id": "toolu_1", "name": "find_invoice", "input": {}}
    plain = {"type": "tool_use", "id": "toolu_2", "name": "ping", "input": {}}
    results = [
        {"type": "tool_result", "tool_use_id": "toolu_1", "content": json.dumps(RESULT)},
        {"type": "tool_result", "tool_use_id": "toolu_2", "content": [{"type": "text", "text": "pong"}]},
    ]
    messages = [
        {"role": "user", "content": "Refund order 1007, please"},
        {"role": "assistant", "content": [call, plain]},
        {"role": "user", "content": [*results, {"type": "text", "text": "and hurry"}]},
    ]
    return OfflineConversation({"model": "claude-opus-5-5", "messages": messages})


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{user}}", "Refund order 1007, please"),
        ("{{last_user}}", "and hurry"),
        ("{{tool:ping}}", "pong"),
        ("{{tool:find_invoice.total_usd}}", "12.5"),
        ("{{tool:find_invoice.paid}}", "true"),
        ("{{tool:find_invoice.lines.1.sku}}", "B-2"),
        ("{{tool:find_invoice.lines.0}}", '{"sku":"A-1"}'),
        ("{{tool:find_invoice.lines.7.sku}}", "?"),
        ("{{tool:find_invoice.missing.deeper}}", "?"),
        ("{{tool:find_invoice.note.deeper}}", "?"),
        ("{{tool:ping.key}}", "?"),
        ("{{tool:never_called}}", "?"),
        (r"{{match:order (\d+)}}", "1007"),
        (r"{{match:\d{4}}}", "1007"),
        (r"{{match:invoice (\d+)}}", "?"),
        ("{{tool:ping}} and {{tool:ping}}", "pong and pong"),
    ],
)
def test_a_template_is_replaced_by_its_text(conversation, template, text):
    assert fill_text(f"<{template}>", conversation) == f"<{text}>"


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{tool:find_invoice.total_usd}}", 12.5),
        ("{{tool:find_invoice.paid}}", True),
        ("{{tool:find_invoice.lines}}", RESULT["lines"]),
        ("{{tool:find_invoice.total_usd}} USD", "12.5 USD"),
        ("{{tool:ping}}{{tool:ping}}", "pongpong"),
        ([{"deep": "{{tool:find_invoice.paid}}"}, 7], [{"deep": True}, 7]),
    ],
)
def test_a_lone_template_in_a_tool_input_keeps_its_type(conversation, template, value):
    assert fill_value({"field": template}, conversation) == {"field": value}


def test_the_latest_result_of_a_tool_counts():
    messages = [{"role": "user", "content": "Hi"}]
    for number in ("1", "2"):
        call = {"type": "tool_use", "id": f"toolu_{number}", "name": "f", "input": {}}
        result = {"type": "tool_result", "tool_use_id": f"toolu_{number}", "content": number}
        messages += [{"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}]

    assert fill_text("{{tool:f}}", OfflineConversation({"model": "m", "messages": messages})) == "2"


def test_what_a_user_writes_is_never_a_template():
    messages = [{"role": "user", "content": "{{tool:f}} {{user}}"}]

    filled = fill_text("{{user}}", OfflineConversation({"model": "m", "messages": messages}))

    assert filled == "{{tool:f}} {{user}}"


@pytest.mark.parametrize("text", ["{{usr}}", "{{tool:}}", "{{match:}}", "{{match:(}}"])
def test_an_unknown_template_is_an_error_of_the_script(text):
    assert template_error(text)


def test_templates_are_filled_in_answers(serve, connect, ask):
    call = {"type": "tool_use", "name": "find", "input": {"order": r"{{match:order (\d+)}}"}}
    client = connect(serve({"name": "s", "turns": [{"content": [call]}]}))

    message = client.messages.create(**ask("Refund order 1007"))

    assert message.content[0].input == {"order": "1007"}
