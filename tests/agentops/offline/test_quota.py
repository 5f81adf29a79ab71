"""Quotas of the offline model: what is beyond is answered with 429, and the headers tell the truth."""

import anthropic
import pytest

from agentops.offline.errors import OfflineApiError
from agentops.offline.quota import INPUT, OUTPUT, REQUESTS, OfflineQuota

PROMPT = {"model": "claude-sonnet-5-5", "max_tokens": 100}


class Clock:
    now = 1_000_000.0

    def __call__(self):
        return self.now


def ask(client, text="hello"):
    return client.messages.with_raw_response.create(**PROMPT, messages=[{"role": "user", "content": text}])


def test_requests_beyond_ten_seconds_worth_are_refused_with_retry_after_until_one_has_come_back(serve, connect):
    clock = Clock()
    client = connect(serve(per_minute={REQUESTS: 12}, clock=clock))
    for _ in range(2):
        ask(client)

    with pytest.raises(anthropic.RateLimitError) as refused:
        ask(client)

    assert refused.value.type == "rate_limit_error"
    assert refused.value.response.headers["retry-after"] == "5"
    assert refused.value.response.headers["anthropic-ratelimit-requests-remaining"] == "0"
    clock.now += 5
    assert ask(client).headers["anthropic-ratelimit-requests-limit"] == "12"


def test_a_quota_of_less_than_one_request_in_ten_seconds_begins_with_one():
    quota = OfflineQuota({REQUESTS: 2})
    quota.take(10, at=0.0)

    with pytest.raises(OfflineApiError) as refused:
        quota.take(10, at=0.0)

    assert refused.value.headers["retry-after"] == "30"


def test_what_remains_is_told_of_what_is_limited(serve, connect):
    client = connect(serve(per_minute={REQUESTS: 60, INPUT: 6_000}, clock=Clock()))

    headers = ask(client, "x" * 400).headers

    assert headers["anthropic-ratelimit-requests-remaining"] == "9"
    assert 0 < int(headers["anthropic-ratelimit-input-tokens-remaining"]) <= 900
    assert headers["anthropic-ratelimit-input-tokens-reset"].endswith("Z")
    assert headers["anthropic-ratelimit-output-tokens-limit"] == "400000", "a constant: nothing is enforced"


def test_a_refused_request_counts_for_nothing():
    quota = OfflineQuota({REQUESTS: 60, INPUT: 600})
    quota.take(90, at=0.0)

    for _ in range(20):
        with pytest.raises(OfflineApiError):
            quota.take(90, at=0.0)

    quota.take(10, at=0.0)
    assert quota.headers(0.0)["anthropic-ratelimit-requests-remaining"] == "8"


def test_a_request_that_is_greater_than_the_bucket_passes_when_that_is_full():
    quota = OfflineQuota({INPUT: 600})
    quota.take(1_000, at=0.0)

    with pytest.raises(OfflineApiError) as refused:
        quota.take(1, at=80.0)

    assert refused.value.headers["retry-after"] == "11"
    quota.take(1, at=92.0)


def test_output_counts_as_answered_and_refuses_the_next():
    quota = OfflineQuota({OUTPUT: 60})
    quota.take(10, at=0.0)
    quota.answered(40)

    with pytest.raises(OfflineApiError):
        quota.take(10, at=30.0)
    quota.take(10, at=32.0)


def test_what_is_read_from_the_cache_does_not_count(serve, connect):
    model = serve(per_minute={INPUT: 12_000}, clock=Clock())
    client = connect(model)
    block = {"type": "text", "text": "x" * 6_000, "cache_control": {"type": "ephemeral"}}

    for _ in range(5):
        client.messages.create(**PROMPT, system=[block], messages=[{"role": "user", "content": "hello"}])

    assert [one["status"] for one in model.requests] == [200] * 5
