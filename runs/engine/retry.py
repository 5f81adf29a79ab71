"""Whether and when a failed try is made again: by the class of the error, and the policy of the job type."""

from runs.declarations.job_types import JobType
from runs.declarations.retries import Delays, RetryPolicy
from runs.engine.classifier import classification_of
from runs.engine.outcomes import Retry
from runs.engine.retry_after import retry_after_s
from runs.models import Run
from runs.states import ErrorClass
from runs.user_code.hook import ask_hook


def next_try(error: BaseException, run: Run, job_type: JobType | None) -> Retry | None:
    """Choose the next try of a step that has failed once more; None means give up.

    Retry-After wins when it is longer than the policy's pause.
    """
    classification = classification_of(error, job_type.errors if job_type else {})
    if classification.kind not in (ErrorClass.TRANSIENT, ErrorClass.RATE_LIMITED) or classification.error_kind is None:
        return None
    failed = {**run.failed_tries, classification.error_kind: run.failed_tries.get(classification.error_kind, 0) + 1}
    policy: RetryPolicy = job_type.retry_policy if job_type else Delays()
    delay_s = ask_hook(policy, "delay_s", classification.error_kind, failed, at_least_s=retry_after_s(error) or 0.0)
    return None if delay_s is None else Retry(error, delay_s, failed)
