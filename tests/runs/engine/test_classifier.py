"""Every error of the provider, raised by the real SDK against the offline model, and what may be done about it."""

import anthropic
import httpx2
import pytest
from django.db import OperationalError

from runs.engine.classifier import TABLE, classification_of, classify, may_have_spent
from runs.engine.provider import Progress, ask, close_client
from runs.engine.retry import retry_after_s
from runs.errors import BrokenStreamError, ModelTimeoutError, RateLimitedError, UnknownOutcomeError
from runs.registry import TransientError
from runs.states import ErrorClass, ErrorKind

TEXT = {"content": [{"type": "text", "text": "All is well, and has been for as long as anybody here can remember."}]}
REQUEST = {"model": "claude-sonnet-5-5", "max_tokens": 100, "messages": [{"role": "user", "content": "Hi"}]}

PERMANENT = (ErrorClass.PERMANENT, None)
RATE_LIMITED = (ErrorClass.RATE_LIMITED, ErrorKind.RATE_LIMIT)
TIMED_OUT = (ErrorClass.TRANSIENT, ErrorKind.TIMEOUT)
SERVICE = (ErrorClass.TRANSIENT, ErrorKind.SERVICE)


def status(code, error_type, **more):
    return {"kind": "status", "status": code, "error_type": error_type, **more}


ERRORS = [
    ({"kind": "rate_limited", "retry_after_s": 2}, anthropic.RateLimitError, RATE_LIMITED),
    ({"kind": "rate_limited", "error_code": "ramp_limit_exceeded"}, anthropic.RateLimitError, RATE_LIMITED),
    ({"kind": "rate_limited", "error_code": "enforced_spend_limit_reached"}, anthropic.RateLimitError, PERMANENT),
    ({"kind": "rate_limited", "error_code": "contract_spend_limit_reached"}, anthropic.RateLimitError, PERMANENT),
    ({"kind": "spend_limit_400"}, anthropic.BadRequestError, PERMANENT),
    ({"kind": "overloaded"}, anthropic.OverloadedError, SERVICE),
    ({"kind": "server_error"}, anthropic.InternalServerError, SERVICE),
    (status(503, "api_error"), anthropic.InternalServerError, SERVICE),
    (status(504, "timeout_error"), anthropic.InternalServerError, TIMED_OUT),
    (status(408, "timeout_error"), anthropic.APIStatusError, TIMED_OUT),
    (status(409, "conflict_error"), anthropic.ConflictError, SERVICE),
    (status(400, "invalid_request_error"), anthropic.BadRequestError, PERMANENT),
    (status(401, "authentication_error"), anthropic.AuthenticationError, PERMANENT),
    (status(402, "billing_error"), anthropic.APIStatusError, PERMANENT),
    (status(403, "permission_error"), anthropic.PermissionDeniedError, PERMANENT),
    (status(404, "not_found_error"), anthropic.NotFoundError, PERMANENT),
    (status(413, "request_too_large"), anthropic.APIStatusError, PERMANENT),
    (status(422, "invalid_request_error"), anthropic.UnprocessableEntityError, PERMANENT),
    ({"kind": "sse_error"}, anthropic.APIStatusError, SERVICE),
    ({"kind": "cut"}, httpx2.TransportError, SERVICE),
    ({"kind": "cut", "reset": True}, httpx2.TransportError, SERVICE),
    ({"kind": "truncate", "after_events": 3}, BrokenStreamError, SERVICE),
    ({"kind": "refused_before_response"}, anthropic.APIConnectionError, SERVICE),
    ({"kind": "hang", "after": "nothing", "seconds": 3}, anthropic.APITimeoutError, TIMED_OUT),
    ({"kind": "hang", "after": "headers", "seconds": 3}, httpx2.TimeoutException, TIMED_OUT),
    ({"kind": "hang", "after": "message_start", "seconds": 3}, httpx2.TimeoutException, TIMED_OUT),
]


def raised_by(fault, offline, settings):
    settings.AGENTOPS = {**settings.AGENTOPS, "model_silence_s": 0.7}
    close_client()
    offline({"turns": [{**TEXT, "faults": [fault]}]})
    with pytest.raises(Exception) as caught:  # noqa: PT011 (which one is what the caller looks at)
        ask(REQUEST, check=lambda: None, progress=Progress(), timeout_s=30)
    return caught.value


@pytest.mark.parametrize(("fault", "error_class", "classification"), ERRORS, ids=lambda value: str(value)[:60])
def test_each_error_of_the_provider_has_its_classification(offline, settings, fault, error_class, classification):
    error = raised_by(fault, offline, settings)

    assert isinstance(error, error_class), repr(error)
    assert (classification_of(error).kind, classification_of(error).error_kind) == classification


def test_a_whole_call_that_takes_too_long_is_a_timeout(offline):
    offline({"turns": [{**TEXT, "faults": [{"kind": "drip", "seconds_per_byte": 0.01}]}]})

    with pytest.raises(ModelTimeoutError) as caught:
        ask(REQUEST, check=lambda: None, progress=Progress(), timeout_s=0.5)

    assert classification_of(caught.value).error_kind == ErrorKind.TIMEOUT


@pytest.mark.parametrize(
    ("fault", "asked_s"),
    [
        ({"kind": "rate_limited", "retry_after_s": 7}, (7, 7)),
        ({"kind": "rate_limited", "retry_after_date_s": 90}, (85, 91)),
        ({"kind": "rate_limited", "retry_after_s": 100_000}, (3600, 3600)),
        ({"kind": "rate_limited"}, None),
    ],
    ids=["seconds", "a date", "cut to the most", "not said"],
)
@pytest.mark.django_db
def test_retry_after_is_read_in_seconds_and_as_a_date(offline, settings, fault, asked_s):
    error = raised_by(fault, offline, settings)

    read = retry_after_s(error)

    assert read is None if asked_s is None else asked_s[0] <= read <= asked_s[1]


@pytest.mark.parametrize(
    "date",
    ["Thu, 01 Jan 2026 00:00:00 +99999999999999", "Fri, 31 Dec 9999 23:59:59 -2359", "Mon, 01 Jan 0001 00:00:00 +2359"],
)
@pytest.mark.django_db
def test_a_retry_after_that_is_no_moment_was_not_said(date):
    response = httpx2.Response(429, headers={"retry-after": date}, request=httpx2.Request("POST", "http://model.test"))

    assert retry_after_s(anthropic.RateLimitError("later", response=response, body=None)) in (None, 0.0, 3600.0)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (KeyError("x"), "permanent"),
        (OperationalError("away"), "transient"),
        (TimeoutError(), "transient"),
        (ConnectionResetError(), "transient"),
        (httpx2.DecodingError("the compressed stream is damaged"), "transient"),
        (UnknownOutcomeError("who knows"), "unknown_outcome"),
        (RateLimitedError("later", retry_after_s=3), "rate_limited"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_other_errors_are_permanent_unless_the_table_knows_them(error, kind):
    assert classify(error) == kind


REQUEST_SENT = httpx2.Request("POST", "http://model.test")


def answered(status):
    return anthropic.APIStatusError("no", response=httpx2.Response(status, request=REQUEST_SENT), body=None)


def broken(cause, error_class=anthropic.APIConnectionError):
    error = error_class(request=REQUEST_SENT)
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "spent"),
    [
        *[(answered(status), False) for status in (400, 401, 404, 408, 409, 413, 429, 529)],
        *[(answered(status), True) for status in (200, 500, 503, 504)],
        (broken(httpx2.ConnectError("refused")), False),
        (broken(httpx2.ConnectTimeout("no route"), anthropic.APITimeoutError), False),
        (broken(httpx2.PoolTimeout("no place"), anthropic.APITimeoutError), False),
        (broken(httpx2.ReadError("reset")), True),
        (broken(httpx2.RemoteProtocolError("closed without an answer")), True),
        (broken(httpx2.ReadTimeout("silent"), anthropic.APITimeoutError), True),
        (broken(None), True),
        (BrokenStreamError("cut"), True),
        (ModelTimeoutError("too long"), True),
    ],
    ids=lambda value: repr(getattr(value, "__cause__", None) or value)[:60],
)
def test_a_failed_call_has_cost_nothing_only_if_it_was_refused_or_reached_nobody(error, spent):
    assert may_have_spent(error) is spent


def test_a_model_that_nobody_reaches_has_cost_nothing(settings):
    settings.ANTHROPIC_BASE_URL, settings.ANTHROPIC_API_KEY = "http://127.0.0.1:1", "offline"
    close_client()

    with pytest.raises(anthropic.APIConnectionError) as caught:
        ask(REQUEST, check=lambda: None, progress=Progress(), timeout_s=30)

    assert not may_have_spent(caught.value)
    close_client()


def test_rows_of_the_job_type_go_first():
    own = {KeyError: "transient", TransientError: "permanent"}

    assert classify(KeyError("x"), own) == "transient"
    assert classify(TransientError("x"), own) == "permanent"
    assert classify(ValueError("x"), own) == "permanent"


def test_every_row_of_the_table_says_what_it_means():
    assert all(row.means for row in TABLE)
    assert len({(row.error, row.means) for row in TABLE}) == len(TABLE)
