"""The offline model as an object, and under load."""

import threading
import time

import anthropic
import httpx2
import pytest

from agentops.offline import OfflineModel

TEXT = "Many streams at once, each of them whole. " * 4
DRIPPING = {
    "name": "dripping",
    "turns": [
        {
            "content": [{"type": "text", "text": TEXT}],
            "faults": [{"kind": "drip", "seconds_per_byte": 0.0005, "times": -1}],
        }
    ],
}
HANGING = {
    "name": "hanging",
    "turns": [
        {
            "content": [{"type": "text", "text": TEXT}],
            "faults": [{"kind": "hang", "seconds": 60, "after": "message_start", "times": -1}],
        }
    ],
}


def test_it_serves_inside_a_with_block(connect, ask):
    with OfflineModel() as model:
        assert connect(model).messages.create(**ask()).stop_reason == "end_turn"

    with pytest.raises(httpx2.ConnectError):
        httpx2.get(f"{model.base_url}/healthz")


def test_it_keeps_its_port_when_it_is_started_again(serve, connect, ask):
    model = serve()
    port = model.port
    client = connect(model)
    client.messages.create(**ask())

    model.stop()
    model.start()

    assert model.port == port
    assert client.messages.create(**ask()).stop_reason == "end_turn"
    assert len(model.requests) == 2


def test_stopping_twice_is_harmless(serve):
    model = serve()

    model.stop()
    model.stop()


def test_fifty_slow_streams_run_side_by_side(serve, connect, ask):
    model = serve(DRIPPING)
    texts = []

    def fetch(number):
        client = connect(model)
        with client.messages.stream(**ask(f"Question {number}")) as stream:
            texts.append(stream.get_final_text())

    started = time.monotonic()
    in_parallel(fetch, 50)

    assert texts == [TEXT] * 50
    assert len(model.requests) == 50
    # One after the other they would take 50 times at least 0.7 seconds.
    assert time.monotonic() - started < 20


def test_faults_are_counted_exactly_under_load(serve, connect, ask):
    fault = {"kind": "overloaded", "times": 20}
    script = {"name": "s", "turns": [{"content": [{"type": "text", "text": "Hi"}], "faults": [fault]}]}
    model = serve(script)
    client = connect(model)
    outcomes = []

    def fetch(_):
        try:
            outcomes.append(client.messages.create(**ask()).stop_reason)
        except anthropic.OverloadedError:
            outcomes.append("overloaded")

    in_parallel(fetch, 50)

    assert outcomes.count("overloaded") == 20
    assert outcomes.count("end_turn") == 30


def test_stopping_breaks_off_open_streams_and_records_them(serve, connect, ask):
    model = serve(HANGING)
    client = connect(model)

    with client.messages.stream(**ask()) as stream:
        next(iter(stream))
        started = time.monotonic()
        model.stop()

        assert time.monotonic() - started < 1
        with pytest.raises(httpx2.TransportError):
            stream.until_done()
    assert model.requests[0]["aborted"] is True


def in_parallel(work, count):
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
