"""Waiting for a permit: up to two seconds in the slot, the only wait that a worker does; for longer, as a held run.

Where there is room right now, the intent of the call takes the permit in its own transaction. Otherwise the permit is
acquired ahead, into debt, and the intent follows when the debt is refilled. A run that must wait longer gives its slot
back (`RateLimitReachedError`), and the reconciler releases it (`maintenance/release_rate_limited.py`).
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from runs import clock
from runs.engine.journal import Journal, release_connection
from runs.engine.rate_limits import permits
from runs.engine.rate_limits.active import active_limits, limits_for
from runs.engine.rate_limits.estimate import Estimate
from runs.engine.rate_limits.permits import AcquireResult, Permit, acquire
from runs.engine.rate_limits.settle import settle_permit
from runs.errors import RateLimitReachedError

_POLL_S = 0.1
_WORDS = ("requests", "input tokens", "output tokens")


@contextmanager
def permit_for(journal: Journal, model: str, estimate: Estimate) -> Iterator[Permit]:
    """Provide the permit of a call for its intent to take, and settle it when the call has ended, however it did."""
    was_held = journal.run.rate_need is not None
    if was_held:
        journal.set(rate_need=None)
    # While runs wait for a model, a new one takes what is left over, but nothing in advance.
    may_wait = was_held or model not in active_limits().crowded
    permit = Permit(model, limits_for(model), estimate, max_wait_s=permits.MAX_WAIT_S if may_wait else 0.0)
    error: BaseException | None = None
    try:
        yield permit
    except BaseException as raised:
        error = raised
        raise
    finally:
        settle_permit(permit, error)


def acquire_ahead(journal: Journal, permit: Permit) -> None:
    """Take a permit before its intent, and wait until its debt is refilled.

    Raises: RateLimitReachedError if the wait is longer than `max_wait_s`; what `Lease.check_boundary` raises.
    """
    result = acquire(permit.limits, permit.estimate.amounts, max_wait_s=permit.max_wait_s)
    if result.wait_s > permit.max_wait_s:
        raise _reached(permit, result)
    permit.is_taken = True
    _wait(journal, result.wait_s)


def _wait(journal: Journal, wait_s: float) -> None:
    """Wait without a connection and with an eye on the lease; what was done before is written first."""
    if wait_s <= 0:
        return
    ends_at = clock.monotonic() + wait_s
    journal.commit()
    release_connection()
    while (left_s := ends_at - clock.monotonic()) > 0:
        journal.lease.check_boundary()
        time.sleep(min(left_s, _POLL_S))  # two seconds at most in all


def _reached(permit: Permit, result: AcquireResult) -> RateLimitReachedError:
    assert result.limit is not None
    allowed = result.limit.quota.per_minute[result.dimension]
    described = f"{allowed:,.0f} {_WORDS[result.dimension]} a minute of {result.limit.name}"
    estimate = {"input_tokens": permit.estimate.input_tokens, "output_tokens": permit.estimate.output_tokens}
    return RateLimitReachedError(
        f"{described} are used up",
        need={"model": permit.model, "rate_limit": described, **estimate},
        wait_s=result.wait_s,
        share_s=60 * permit.estimate.amounts[result.dimension] / allowed if allowed else 0.0,
    )
