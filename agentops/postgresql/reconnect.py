"""Reconnect at once when the pool gives up and a thread waits, instead of pausing longer and longer."""

from typing import Any

RECONNECT_S = 1.0  # after this time the pool gives up an attempt


def connect_again(pool: Any) -> None:
    """Make the pool reconnect for waiting threads. Called by the pool, in a separate thread."""
    if pool.get_stats().get("requests_waiting"):
        pool.check()
