"""When the pool gives up connecting: begin again at once if anybody waits, instead of ever longer pauses."""

from typing import Any

RECONNECT_S = 1.0  # after so long the pool gives up an attempt


def connect_again(pool: Any) -> None:
    """Let the pool connect anew for those who wait. Called by the pool, in a thread of its own."""
    if pool.get_stats().get("requests_waiting"):
        pool.check()
