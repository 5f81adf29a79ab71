"""What a proxy does to an answer, as the bytes that arrive."""

import json

import httpx2
import pytest

USE = [{"type": "tool_use", "name": "send", "input": {}}]


@pytest.fixture
def answer_to(serve, ask, faulty):
    """Ask with a fault, and return the raw answer."""

    def send(fault, *, stream=True):
        model = serve(faulty(fault, content=USE))
        return httpx2.post(f"{model.base_url}/v1/messages", json=ask(stream=stream), headers={"x-api-key": "offline"})

    return send


def names_in(answer):
    return [line.removeprefix("event: ") for line in answer.text.splitlines() if line.startswith("event: ")]


def test_events_are_lost_repeated_and_swapped(answer_to):
    whole = names_in(answer_to({"kind": "mangle"}))

    assert whole[:3] == ["message_start", "ping", "content_block_start"] and whole[-1] == "message_stop"
    assert names_in(answer_to({"kind": "mangle", "drop": [0, 1]})) == whole[2:]
    assert names_in(answer_to({"kind": "mangle", "repeat": [0]})) == [whole[0], *whole]
    assert names_in(answer_to({"kind": "mangle", "swap": [0]})) == [whole[1], whole[0], *whole[2:]]


def test_a_body_is_sent_word_for_word(answer_to):
    fault = {"kind": "body", "body": "<html>502</html>", "content_type": "text/html", "status": 502}

    answer = answer_to(fault)

    assert (answer.status_code, answer.text, answer.headers["content-type"]) == (502, "<html>502</html>", "text/html")


def test_a_document_may_come_where_a_stream_was_asked_for(answer_to):
    answer = answer_to({"kind": "plain"})

    assert answer.headers["content-type"] == "application/json" and answer.json()["content"][0]["name"] == "send"


@pytest.mark.parametrize("usage", [None, {"input_tokens": 0, "output_tokens": 0}, {"input_tokens": -5}])
def test_usage_is_what_a_proxy_says(answer_to, usage):
    assert answer_to({"kind": "usage", "usage": usage}, stream=False).json()["usage"] == usage


def test_usage_may_be_absent(answer_to):
    fault = {"kind": "usage", "absent": True}

    assert "usage" not in answer_to(fault, stream=False).json()
    events = [json.loads(line[6:]) for line in answer_to(fault).text.splitlines() if line.startswith("data: ")]
    assert not any("usage" in event or "usage" in event.get("message", {}) for event in events)
