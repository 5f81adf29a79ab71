"""What is made of a create that fails."""

import anthropic
import httpx2
import pytest

from runs.engine.batch_api import was_surely_not_made
from runs.errors import ModelTimeoutError
from runs.maintenance.batches.send import _is_of_one_call

REQUEST = httpx2.Request("POST", "http://model.test")


def refused(status, message="no", error_code=None):
    body = {"error": {"type": "t", "message": message, "details": {"error_code": error_code}}}
    return anthropic.APIStatusError(message, response=httpx2.Response(status, request=REQUEST), body=body)


def broken(cause):
    error = anthropic.APIConnectionError(request=REQUEST)
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "sure"),
    [
        (refused(400), True),
        (refused(429), True),
        (refused(529), True),
        (refused(500), False),
        (refused(504), False),
        (broken(httpx2.ConnectError("refused")), True),
        (broken(httpx2.ReadError("reset")), False),
        (anthropic.APITimeoutError(request=REQUEST), False),
        (ModelTimeoutError("too long"), False),
    ],
)
def test_a_batch_was_surely_not_made_only_if_the_create_was_refused_or_reached_nobody(error, sure):
    assert was_surely_not_made(error) is sure


@pytest.mark.parametrize(
    ("error", "one"),
    [
        (refused(400), True),
        (refused(413), True),
        (refused(401), False),
        (refused(400, "You have reached your specified API usage limits."), False),
        (ModelTimeoutError("too long"), False),
    ],
)
def test_a_batch_is_halved_only_where_a_single_call_may_be_to_blame(error, one):
    assert _is_of_one_call(error) is one
