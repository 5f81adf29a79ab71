"""A permit is settled by what was really used, and by what the provider says is left; which limits count."""

import pytest

from runs.engine.outcomes import Completed, RateLimitReached
from runs.engine.rate_limits.active import forget_rate_limits, limits_for
from runs.engine.rate_limits.permits import look
from runs.models import RateLimit
from tests.runs.engine.rate_limits.limited import LOOK, MODEL, SCRIPT, TEXT, left, reason

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_permit_is_settled_by_the_tokens_really_used(offline, post, work, rate_limit):
    model = offline(SCRIPT)
    rate_limit(input_tokens_per_minute=60_000, output_tokens_per_minute=12_000)
    before = left()

    post("clerk")
    work()

    usage = model.requests[0]["response"]["usage"]
    now = left()
    assert before[1] - now[1] <= usage["input_tokens"] + usage["cache_creation_input_tokens"]
    assert before[2] - now[2] <= usage["output_tokens"]


def test_a_call_that_was_refused_gives_its_tokens_back(offline, post, work, rate_limit):
    refused = {"kind": "status", "status": 400, "error_type": "invalid_request_error", "times": -1}
    offline({"turns": [TEXT | {"faults": [refused]}]})
    rate_limit(requests_per_minute=6, input_tokens_per_minute=600)

    post("clerk")
    work()

    requests, inputs, _ = left()
    assert inputs == 50 and requests < 1


@pytest.mark.parametrize("model_class", ["claude-sonnet-5", "*"])
def test_the_headers_of_an_answer_lower_the_limit(offline, post, work, rate_limit, model_class):
    offline(SCRIPT, per_minute={"requests": 30})
    rate_limit(model_class, requests_per_minute=600)

    post("clerk")
    work()

    ((limit, bucket),) = look(limits_for(MODEL))
    assert bucket.provider_limits[0] == 30 and bucket.per_second(limit.quota)[0] == 0.5


def test_the_headers_lower_the_row_of_all_models_only_where_no_narrower_one_applies(offline, post, work, rate_limit):
    offline(SCRIPT, per_minute={"requests": 30})
    rate_limit("*", requests_per_minute=600)
    rate_limit("claude", requests_per_minute=600)

    post("clerk")
    work()

    assert [bucket.provider_limits[0] for _, bucket in look(limits_for(MODEL))] == [None, 30]


def test_a_prompt_that_the_provider_has_cached_is_not_counted_again(offline, post, work, rate_limit):
    model = offline({"turns": [LOOK, LOOK, TEXT]})
    rate_limit(input_tokens_per_minute=120_000)
    text = "x" * 24_000  # 6,000 tokens; the bucket holds 10,000

    post("clerk", text)
    outcomes = work()

    assert outcomes == [Completed("Done.")] and len(model.requests) == 3
    assert model.requests[2]["response"]["usage"]["cache_read_input_tokens"] > 5_000


def test_every_limit_that_covers_the_model_holds(offline, post, work, rate_limit):
    offline(SCRIPT)
    rate_limit("*", requests_per_minute=600)
    rate_limit("claude-sonnet-5", requests_per_minute=12)
    rate_limit("claude-opus-5", requests_per_minute=1)
    post("clerk")
    held = post("clerk")

    outcomes = work()

    assert [type(one) for one in outcomes] == [Completed, RateLimitReached]
    assert "12 requests a minute of anthropic claude-sonnet-5" in reason(held)[0].message


def test_a_limit_of_another_workspace_does_not_hold(offline, post, work, settings):
    offline(SCRIPT)
    RateLimit.objects.create(model_class="*", workspace="other", requests_per_minute=1)
    for _ in range(2):
        post("clerk")

    assert work() == [Completed("Done.")] * 2

    settings.AGENTOPS = {**settings.AGENTOPS, "provider_workspace": "other"}
    forget_rate_limits()
    post("clerk")
    assert [type(one) for one in work()] == [RateLimitReached]
