"""Faults at intervals: Redis is emptied, the database crashes, workers are asked to end."""

import threading
import time
from collections.abc import Callable

import redis

from agentops.embedded.postgres import EmbeddedPostgres
from agentops.lab.chaos.options import Options


class BackgroundTask:
    """A task done at an interval, and counted."""

    def __init__(self, every_s: float | None, work: Callable[[], object], *, aside: bool = False) -> None:
        self._every_s, self._work, self._aside = every_s, work, aside
        self._last_at = time.monotonic()
        self._thread: threading.Thread | None = None
        self.count = 0

    def do_if_due(self) -> None:
        """Do it if its time has come; aside, if it takes long, and never twice at once."""
        if self._every_s is None or time.monotonic() - self._last_at < self._every_s:
            return
        if self._thread and self._thread.is_alive():
            return
        self._last_at = time.monotonic()
        self.count += 1
        if self._aside:
            self._thread = threading.Thread(target=self._work, name="chore", daemon=True)
            self._thread.start()
        else:
            self._work()

    def finish(self) -> None:
        """Wait for what is being done aside."""
        if self._thread:
            self._thread.join(60)


class BackgroundTasks:
    """All of them."""

    def __init__(
        self, options: Options, *, redis_url: str, postgres: EmbeddedPostgres | None, term: Callable[[], object]
    ) -> None:
        self.flushes = BackgroundTask(options.flush_redis_s, lambda: redis.Redis.from_url(redis_url).flushall())
        self.restarts = BackgroundTask(options.restart_db_s, postgres.restart if postgres else int, aside=True)
        self.terms = BackgroundTask(options.term_s, term)

    def do_what_is_due(self) -> None:
        """Look at each."""
        for chore in (self.flushes, self.restarts, self.terms):
            chore.do_if_due()
