"""Rate limit of the API per token: units in a fixed window, counted in Django's cache.

A request costs one unit, and the rows of a returned list cost more: a client that reads long lists is limited before
others notice. A cache that is away, or keeps nothing, limits nobody.
"""

import logging
import math
from typing import Any
from uuid import UUID

from django.core.cache import cache
from rest_framework.exceptions import Throttled

from runs import clock
from runs.conf import conf

log = logging.getLogger(__name__)

ROWS_PER_UNIT = 10


class Allowance:
    """The units of one token in the window of one request."""

    def __init__(self, token_id: UUID) -> None:
        self._units, self._window_s = conf().api_rate_units, max(1, int(conf().api_rate_window_s))
        now = clock.wall()  # not the database's clock, which costs a query; a wrong clock does no harm here
        number, passed_s = divmod(now, self._window_s)
        self._key = f"runs.allowance.{token_id}.{self._window_s}.{number:.0f}"
        self._left_s = self._window_s - passed_s
        self._spent = 0

    def take(self) -> None:
        """Spend the unit that every request costs. Raises: Throttled if none is left."""
        self._spend(1)
        if self._spent > self._units:
            raise Throttled(
                wait=self._left_s,
                detail=f"The token has spent its {self._units} units of this window of {self._window_s} s.",
            )

    def charge(self, response: Any) -> None:
        """Spend the units of a list, by the rows that it returns."""
        data = getattr(response, "data", None)
        rows = data.get("results") if isinstance(data, dict) else None
        if isinstance(rows, list) and len(rows) >= ROWS_PER_UNIT:
            self._spend(len(rows) // ROWS_PER_UNIT)

    @property
    def headers(self) -> dict[str, str]:
        """Build headers with the units left and the reset time, by the IETF draft of the RateLimit fields."""
        left, seconds = max(0, self._units - self._spent), math.ceil(self._left_s)
        return {
            "RateLimit-Policy": f'"token";q={self._units};w={self._window_s}',
            "RateLimit": f'"token";r={left};t={seconds}',
        }

    def _spend(self, units: int) -> None:
        try:
            cache.add(self._key, 0, timeout=2 * self._window_s)
            self._spent = cache.incr(self._key, units)
        except Exception as error:  # each cache backend has its own errors
            log.warning("the rate limit of the API is not counted: the cache answers %s", type(error).__name__)


def allowance_of(token_id: UUID) -> Allowance | None:
    """Open the allowance of a token; None if the settings set no limit."""
    return Allowance(token_id) if conf().api_rate_units > 0 else None
