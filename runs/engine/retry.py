"""Decide whether and when to retry: by the class of the error and the policy of the job type."""

from email.utils import parsedate_to_datetime

import anthropic

from runs import clock
from runs.conf import conf
from runs.declarations.job_types import JobType
from runs.declarations.retry_policies import Delays, RetryPolicy
from runs.engine.classifier import classification_of
from runs.engine.outcomes import Retry
from runs.errors import RateLimitedError
from runs.models import Run
from runs.states import ErrorClass
from runs.user_code.call import ask_hook


def next_try(error: BaseException, run: Run, job_type: JobType | None) -> Retry | None:
    """Choose the next try of a step that has failed again; None means give up.

    Retry-After wins when it is longer than the policy's pause.
    """
    classification = classification_of(error, job_type.errors if job_type else {})
    if classification.kind not in (ErrorClass.TRANSIENT, ErrorClass.RATE_LIMITED) or classification.error_kind is None:
        return None
    failed = {**run.failed_tries, classification.error_kind: run.failed_tries.get(classification.error_kind, 0) + 1}
    policy: RetryPolicy = job_type.retry_policy if job_type else Delays()
    delay_s = ask_hook(policy, "delay_s", classification.error_kind, failed, at_least_s=retry_after_s(error) or 0.0)
    return None if delay_s is None else Retry(error, delay_s, failed)


def retry_after_s(error: BaseException) -> float | None:
    """Read Retry-After, in seconds and capped at `retry_after_max_s`; None if the other side sent none."""
    asked = _asked_s(error)
    return None if asked is None else min(max(0.0, asked), conf().retry_after_max_s)


def _asked_s(error: BaseException) -> float | None:
    if isinstance(error, RateLimitedError):
        asked = getattr(error, "retry_after_s", None)  # a tool may pass on the raw header
        return None if asked is None else _number(str(asked), unit_s=1.0)
    if not isinstance(error, anthropic.APIStatusError):
        return None
    headers = error.response.headers
    if "retry-after-ms" in headers:
        return _number(headers["retry-after-ms"], unit_s=0.001)
    value = headers.get("retry-after", "")
    return _number(value, unit_s=1.0) if not value or value[0].isdigit() else _date(value)


def _number(text: str, *, unit_s: float) -> float | None:
    try:
        return float(text) * unit_s
    except ValueError:
        return None


def _date(text: str) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
        return (moment - clock.now()).total_seconds()
    except (ValueError, TypeError, OverflowError):  # TypeError: a date without a zone; OverflowError: no such zone
        return None
