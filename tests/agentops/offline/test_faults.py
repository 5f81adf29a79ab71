"""How often faults happen, and to whom."""

import anthropic
import pytest

ANSWER = [{"type": "text", "text": "All is well."}]


def test_a_fault_passes_after_its_times(serve, connect, ask, faulty):
    client = connect(serve(faulty({"kind": "overloaded", "times": 2})))
    for _ in range(2):
        with pytest.raises(anthropic.OverloadedError):
            client.messages.create(**ask())

    message = client.messages.create(**ask())

    assert message.content[0].text == "All is well."


def test_faults_of_one_turn_happen_in_their_order(serve, connect, ask, faulty):
    client = connect(serve(faulty({"kind": "overloaded"}, {"kind": "server_error"})))
    with pytest.raises(anthropic.OverloadedError):
        client.messages.create(**ask())

    with pytest.raises(anthropic.InternalServerError) as raised:
        client.messages.create(**ask())

    assert raised.value.status_code == 500


def test_faults_are_counted_for_each_user_and_question(serve, connect, ask, faulty):
    client = connect(serve(faulty({"kind": "overloaded"})))
    requests = [ask("One"), ask("Two"), ask("One", metadata={"user_id": "u2"})]

    for request in requests:
        with pytest.raises(anthropic.OverloadedError):
            client.messages.create(**request)

    assert [client.messages.create(**request).stop_reason for request in requests] == ["end_turn"] * 3


def test_a_fault_of_the_script_hits_every_turn(serve, connect, ask):
    client = connect(serve({"name": "s", "faults": [{"kind": "overloaded"}], "turns": [{"content": ANSWER}] * 2}))

    for turns in (("Hi",), ("Hi", "All is well.", "Go on")):
        with pytest.raises(anthropic.OverloadedError):
            client.messages.create(**ask(*turns))


def test_a_fault_may_happen_for_ever(serve, connect, ask, faulty):
    client = connect(serve(faulty({"kind": "server_error", "times": -1})))

    for _ in range(4):
        with pytest.raises(anthropic.InternalServerError):
            client.messages.create(**ask())


def test_the_sdk_retries_past_a_fault_by_itself(serve, connect, ask, faulty):
    model = serve(faulty({"kind": "refused_before_response"}, {"kind": "rate_limited", "retry_after_s": 0}))
    client = connect(model, max_retries=2)

    message = client.messages.create(**ask())

    assert message.stop_reason == "end_turn"
    assert [entry["fault"] for entry in model.requests] == ["refused_before_response", "rate_limited", None]
