"""What another app adds to runs. It registers in its `AppConfig.ready`; `runs` imports no such app.

One of them keeps what has failed: it registers the function that turns a failed run into a dead letter.
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
    attempt: int = 0  # tries of the step that failed
    version: str = ""  # which definition the run had
    error_kind: str = ""  # what the classifier said of the error
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
    """Add to what `runs` does. What was added before is not added twice.

    Shape: `upkeep` are parts of every sweep of the reconciler, done after its own; each returns how many rows it dealt
    with. `invariants` yield breaches. `api_urls` are dotted paths of URL modules, included below `/api/v1/`.
    """
    UPKEEP.extend(part for part in upkeep if part not in UPKEEP)
    INVARIANTS.extend(check for check in invariants if check not in INVARIANTS)
    API_URLS.extend(urls for urls in api_urls if urls not in API_URLS)


def keep_failures_with(keep: KeepFailure, *, close_for_retry: CloseForRetry) -> None:
    """Register what happens to a failed run, and to what was kept of it when a person retries that run.

    Both are called in the transaction that moves the run, so neither can happen without the other. The last one
    registered wins. `close_for_retry` gets the run's id and the user, and raises a `RunsError` to refuse the retry.
    """
    _keepers[:] = [(keep, close_for_retry)]


def keeps_failures() -> bool:
    """Say whether failed runs become dead letters at all."""
    return bool(_keepers)


def move_to_dead_letters(failure: Failure) -> None:
    """Keep a failed run as a dead letter. Raises: ImproperlyConfigured if no app has registered for it."""
    _keeper()[0](failure)


def close_dead_letter_for_retry(run_id: UUID, user: Any) -> None:
    """Close the dead letter of a run that is retried. Raises: RunsError if it may not be; ImproperlyConfigured."""
    _keeper()[1](run_id, user)


def _keeper() -> tuple[KeepFailure, CloseForRetry]:
    if not _keepers:
        raise ImproperlyConfigured('No app keeps failed runs: add "deadletters" to INSTALLED_APPS.')
    return _keepers[0]
