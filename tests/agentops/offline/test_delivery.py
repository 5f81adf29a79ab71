"""Faults in mid-answer, as the exceptions the SDK raises for them."""

import json
import time

import anthropic
import httpx2
import pytest

CALL = [{"type": "tool_use", "name": "send", "input": {"to": "someone@example.org", "text": "Hello there"}}]


def test_an_error_event_in_a_stream_has_status_200(serve, connect, ask, faulty):
    client = connect(serve(faulty({"kind": "sse_error"})))

    with pytest.raises(anthropic.APIStatusError) as raised, client.messages.stream(**ask()) as stream:
        stream.get_final_message()

    assert type(raised.value) is anthropic.APIStatusError
    assert (raised.value.status_code, raised.value.type) == (200, "overloaded_error")


def test_an_error_event_becomes_a_529_where_nothing_is_streamed(serve, connect, ask, faulty):
    client = connect(serve(faulty({"kind": "sse_error"})))

    with pytest.raises(anthropic.OverloadedError) as raised:
        client.messages.create(**ask())

    assert raised.value.status_code == 529


@pytest.mark.parametrize("streaming", [False, True])
def test_silence_before_the_headers_is_a_timeout(serve, connect, ask, faulty, streaming):
    client = connect(serve(faulty({"kind": "hang", "seconds": 5})), timeout=0.3)

    with pytest.raises(anthropic.APITimeoutError):
        client.messages.create(**ask(), stream=streaming)


@pytest.mark.parametrize("after", ["headers", "message_start"])
def test_silence_in_mid_stream_is_a_raw_read_timeout(serve, connect, ask, faulty, after):
    client = connect(serve(faulty({"kind": "hang", "seconds": 5, "after": after})), timeout=0.3)

    with pytest.raises(httpx2.ReadTimeout), client.messages.stream(**ask()) as stream:
        stream.get_final_message()


def test_a_silence_ends_with_a_closed_connection(serve, connect, ask, faulty):
    client = connect(serve(faulty({"kind": "hang", "seconds": 0.1, "after": "message_start"})))

    with pytest.raises(httpx2.RemoteProtocolError), client.messages.stream(**ask()) as stream:
        stream.get_final_message()


def test_a_stream_cut_short_is_a_raw_protocol_error(serve, connect, ask, faulty):
    client = connect(serve(faulty({"kind": "cut", "after_events": 4})))

    with pytest.raises(httpx2.RemoteProtocolError), client.messages.stream(**ask()) as stream:
        stream.until_done()


def test_a_stream_cut_by_a_reset_is_a_raw_read_error(serve, connect, ask, faulty):
    client = connect(serve(faulty({"kind": "cut", "after_events": 4, "reset": True})))

    with pytest.raises(httpx2.ReadError), client.messages.stream(**ask()) as stream:
        stream.get_final_message()


def test_a_plain_answer_cut_short_is_a_connection_error(serve, connect, ask, faulty):
    client = connect(serve(faulty({"kind": "cut"})))

    with pytest.raises(anthropic.APIConnectionError):
        client.messages.create(**ask())


def test_a_truncated_stream_raises_nothing_and_has_no_stop_reason(serve, connect, ask, faulty):
    client = connect(serve(faulty({"kind": "truncate"}, content=CALL)))

    with client.messages.stream(**ask()) as stream:
        message = stream.get_final_message()

    assert message.stop_reason is None
    assert message.content[0].input == {}


def test_a_truncation_never_delivers_the_whole_stream(serve, connect, ask, faulty):
    client = connect(serve(faulty({"kind": "truncate", "after_events": 1000})))

    events = list(client.messages.create(**ask(), stream=True))

    assert events[-1].type == "message_delta"


def test_a_truncated_plain_answer_is_not_even_json(serve, connect, ask, faulty):
    client = connect(serve(faulty({"kind": "truncate"})))

    with pytest.raises(json.JSONDecodeError):
        client.messages.create(**ask())


def test_a_dripping_stream_arrives_whole_and_slowly(serve, connect, ask, faulty):
    client = connect(serve(faulty({"kind": "drip", "seconds_per_byte": 0.0003})))

    started = time.monotonic()
    with client.messages.stream(**ask()) as stream:
        message = stream.get_final_message()

    assert message.content[0].text == "All is well."
    assert time.monotonic() - started > 0.3


def test_a_connection_refused_before_the_response_is_a_connection_error(serve, connect, ask, faulty):
    client = connect(serve(faulty({"kind": "refused_before_response"})))

    with pytest.raises(anthropic.APIConnectionError):
        client.messages.create(**ask())


def test_a_turn_may_take_its_time(serve, connect, ask):
    client = connect(serve({"name": "slow", "turns": [{"content": CALL, "delay_s": 0.2}]}))

    started = time.monotonic()
    client.messages.create(**ask())

    assert time.monotonic() - started >= 0.2
