"""Extensions that other apps add to runs. They register in `AppConfig.ready`; `runs` imports no such app.

One of them stores failures: it registers the function that turns a failed run into a dead letter.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured


@dataclass(frozen=True, slots=True)
class Failure:
    """What is known of a failed run. Texts are already cleaned of secrets."""

    run_id: UUID
    tenant: str
    job_type: str
    arguments: Any
    step: int | None
    step_name: str
    error_class: str
    error_message: str
    traceback: str
    attempts: int
    cost_usd: Decimal
    effects: Mapping[str, list[Any]]
    failed_at: datetime
    attempt: int = 0  # tries of the failed step
    version: str = ""  # of the run's definition
    error_kind: str = ""  # by the classifier
    forked_from: UUID | None = None  # the run that this one was forked from


KeepFailure = Callable[[Failure], object]
CloseForRetry = Callable[[UUID, Any], None]

UPKEEP: list[Callable[[], int]] = []
INVARIANTS: list[Callable[[], Any]] = []
API_URLS: list[str] = []

_keepers: list[tuple[KeepFailure, CloseForRetry]] = []


def extend(
    *,
    upkeep: Iterable[Callable[[], int]] = (),
    invariants: Iterable[Callable[[], Any]] = (),
    api_urls: Iterable[str] = (),
) -> None:
    """Add extensions to `runs`. Adding the same one twice has no effect.

    Shape: `upkeep` are parts of every sweep of the reconciler, run after its own; each returns how many rows it
    handled. `invariants` yield breaches. `api_urls` are dotted paths of URL modules, included below `/api/v1/`.
    """
    UPKEEP.extend(part for part in upkeep if part not in UPKEEP)
    INVARIANTS.extend(check for check in invariants if check not in INVARIANTS)
    API_URLS.extend(urls for urls in api_urls if urls not in API_URLS)


def keep_failures_with(keep: KeepFailure, *, close_for_retry: CloseForRetry) -> None:
    """Register how to store a failed run, and how to close its dead letter when a person retries the run.

    Both are called in the transaction that moves the run, so neither happens without the move. The last registration
    wins. `close_for_retry` gets the run's id and the user, and raises a `RunsError` to refuse the retry.
    """
    _keepers[:] = [(keep, close_for_retry)]


def keeps_failures() -> bool:
    """Say whether an app stores failed runs as dead letters."""
    return bool(_keepers)


def move_to_dead_letters(failure: Failure) -> None:
    """Store a failed run as a dead letter. Raises: ImproperlyConfigured if no app has registered for it."""
    _keeper()[0](failure)


def close_dead_letter_for_retry(run_id: UUID, user: Any) -> None:
    """Close the dead letter of a retried run. Raises: RunsError if it may not be retried; ImproperlyConfigured."""
    _keeper()[1](run_id, user)


def _keeper() -> tuple[KeepFailure, CloseForRetry]:
    if not _keepers:
        raise ImproperlyConfigured('No app keeps failed runs: add "deadletters" to INSTALLED_APPS.')
    return _keepers[0]
