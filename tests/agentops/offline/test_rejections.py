"""Rejections, as the exceptions the SDK raises for them."""

from email.utils import parsedate_to_datetime

import anthropic
import pytest

REJECTIONS = [
    ({"kind": "rate_limited"}, anthropic.RateLimitError, "rate_limit_error"),
    ({"kind": "overloaded"}, anthropic.OverloadedError, "overloaded_error"),
    ({"kind": "server_error"}, anthropic.InternalServerError, "api_error"),
    ({"kind": "spend_limit_400"}, anthropic.BadRequestError, "invalid_request_error"),
    (
        {"kind": "status", "status": 403, "error_type": "permission_error", "message": "Not you."},
        anthropic.PermissionDeniedError,
        "permission_error",
    ),
]


@pytest.mark.parametrize("rejection", REJECTIONS, ids=lambda rejection: rejection[0]["kind"])
def test_a_rejection_raises_the_error_of_its_status(serve, connect, ask, faulty, rejection):
    fault, error, error_type = rejection
    client = connect(serve(faulty({**fault, "times": 2})))

    for streaming in (False, True):
        with pytest.raises(error) as raised:
            client.messages.create(**ask(), stream=streaming)

        assert raised.value.type == error_type
        assert raised.value.request_id.startswith("req_")


def test_a_rate_limit_says_when_to_come_back_in_seconds(serve, connect, ask, faulty):
    client = connect(serve(faulty({"kind": "rate_limited", "retry_after_s": 2})))

    with pytest.raises(anthropic.RateLimitError) as raised:
        client.messages.create(**ask())

    assert raised.value.response.headers["retry-after"] == "2"


def test_a_rate_limit_says_when_to_come_back_as_a_date(serve, connect, ask, faulty):
    script = faulty({"kind": "rate_limited", "retry_after_date_s": 90})
    client = connect(serve(script, clock=lambda: 1_800_000_000.0))

    with pytest.raises(anthropic.RateLimitError) as raised:
        client.messages.create(**ask())

    again = parsedate_to_datetime(raised.value.response.headers["retry-after"])
    assert again.timestamp() == 1_800_000_090


def test_a_spend_cap_has_an_error_class_of_its_own(serve, connect, ask, faulty):
    client = connect(serve(faulty({"kind": "rate_limited", "error_code": "enforced_spend_limit_reached"})))

    with pytest.raises(anthropic.EnforcedSpendLimitReachedError) as raised:
        client.messages.create(**ask())

    assert raised.value.error_code == "enforced_spend_limit_reached"
    assert "retry-after" not in raised.value.response.headers


def test_a_spend_limit_of_ones_own_begins_with_the_known_words(serve, connect, ask, faulty):
    client = connect(serve(faulty({"kind": "spend_limit_400"})))

    with pytest.raises(anthropic.BadRequestError) as raised:
        client.messages.create(**ask())

    assert raised.value.api_message.startswith("You have reached your specified API usage limits")
