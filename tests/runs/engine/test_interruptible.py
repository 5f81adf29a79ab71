"""A model call that must end does end, however silent the provider is. Against the real SDK and the offline model."""

import threading
import time

import pytest

from runs.engine.interruptible import SLICE_S
from runs.engine.provider import Progress, ask, client
from runs.errors import ModelTimeoutError

REQUEST = {"model": "claude-sonnet-5-5", "max_tokens": 100, "messages": [{"role": "user", "content": "hello"}]}
SAY = {"content": [{"type": "text", "text": "Done, and at some length, so that there is something to drip."}]}


class StopError(Exception):
    """What the check of these tests raises."""


def silent(after):
    return {**SAY, "faults": [{"kind": "hang", "after": after, "seconds": 90, "times": -1}]}


def stop_after(seconds):
    ends_at = time.monotonic() + seconds

    def check():
        if time.monotonic() > ends_at:
            raise StopError

    return check


@pytest.mark.parametrize("after", ["nothing", "headers", "message_start"])
def test_a_call_to_a_silent_provider_is_aborted_at_once(offline, after):
    model = offline({"turns": [silent(after)]})
    client()  # making it may take longer than the call is allowed to
    began, progress = time.monotonic(), Progress()

    with pytest.raises(StopError):
        ask(REQUEST, check=stop_after(0.3), progress=progress, timeout_s=60)

    assert time.monotonic() - began < 10, "silence may last 60 s, the abort may not"
    assert bool(progress.message_id) is (after == "message_start")
    ends_at = time.monotonic() + 30
    while not model.requests and time.monotonic() < ends_at:
        time.sleep(0.02)
    assert model.requests[0]["aborted"], "the connection was closed, so the provider stops too"


@pytest.mark.parametrize("after", ["nothing", "headers", "message_start"])
def test_the_time_of_a_whole_call_is_a_deadline_by_the_clock(offline, after):
    offline({"turns": [silent(after)]})
    began = time.monotonic()

    with pytest.raises(ModelTimeoutError):
        ask(REQUEST, check=lambda: None, progress=Progress(), timeout_s=0.4)

    assert time.monotonic() - began < 10, "silence may last 120 s, the call may not"


@pytest.mark.fault(22)
def test_a_provider_that_drips_does_not_outlive_the_deadline(offline):
    offline({"turns": [{**SAY, "faults": [{"kind": "drip", "seconds_per_byte": 0.02}]}]})
    began = time.monotonic()

    with pytest.raises(ModelTimeoutError):
        ask(REQUEST, check=lambda: None, progress=Progress(), timeout_s=1.0)

    assert time.monotonic() - began < 2.0


def test_slices_that_run_out_lose_nothing_of_a_slow_answer(offline):
    fault = {"kind": "drip", "seconds_per_byte": SLICE_S / 100}
    offline({"turns": [{"content": [{"type": "text", "text": "ok"}], "delay_s": 3 * SLICE_S, "faults": [fault]}]})

    answer = ask(REQUEST, check=lambda: None, progress=Progress(), timeout_s=60)

    assert answer.message["content"] == [{"type": "text", "text": "ok"}]


def test_silence_is_still_bounded_by_its_own_setting(offline, settings):
    settings.AGENTOPS = {**settings.AGENTOPS, "model_silence_s": 0.6}
    offline({"turns": [silent("headers")]})
    began = time.monotonic()

    with pytest.raises(Exception, match=r"[Tt]imed out"):
        ask(REQUEST, check=lambda: None, progress=Progress(), timeout_s=60)

    assert 0.5 < time.monotonic() - began < 20, "the call might have lasted 60 s"


def test_an_aborted_call_leaves_the_client_fit_for_the_next(offline):
    offline({"turns": [{**SAY, "faults": [{"kind": "hang", "after": "message_start", "seconds": 90}]}]})
    progress = Progress()

    def check():
        if progress.message_id:  # the provider has begun: its one fault is used up
            raise StopError

    with pytest.raises(StopError):
        ask(REQUEST, check=check, progress=progress, timeout_s=60)

    answer = ask(REQUEST, check=lambda: None, progress=Progress(), timeout_s=60)

    assert answer.message["stop_reason"] == "end_turn"


def test_one_call_is_aborted_and_another_of_the_same_client_goes_on(offline):
    slow = {**SAY, "delay_s": 1.0}
    offline({"when": {"first_user_contains": "hello"}, "turns": [silent("nothing")]}, {"turns": [slow]})
    other = {**REQUEST, "messages": [{"role": "user", "content": "other"}]}
    answers = []
    thread = threading.Thread(
        target=lambda: answers.append(ask(other, check=lambda: None, progress=Progress(), timeout_s=60))
    )
    thread.start()

    with pytest.raises(StopError):
        ask(REQUEST, check=stop_after(0.2), progress=Progress(), timeout_s=60)
    thread.join(10)

    assert answers[0].message["stop_reason"] == "end_turn"


def test_every_way_out_of_the_client_waits_in_slices(offline, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    offline({"turns": [SAY]})

    http = client()._client

    pools = [transport._pool for transport in (http._transport, *http._mounts.values()) if transport]
    assert len(pools) >= 2
    assert {type(pool._network_backend).__module__ for pool in pools} == {"runs.engine.interruptible"}
