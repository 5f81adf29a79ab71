"""SQLite with writers that queue at a file lock.

SQLite itself has no queue: a writer that finds the database locked sleeps up to 100 ms and tries again, so under load
some wait for many seconds while others pass. A heartbeat that waits longer than its lease loses the runs of a living
worker. Here every write transaction first takes a lock on `<database>.writers`; as soon as it is free, the kernel wakes
the waiting threads of all processes. Processes that do not take it are still safe: SQLite's own lock decides.
"""

import fcntl
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.db.backends.sqlite3 import base

_WRITES = ("INSERT", "UPDATE", "DELETE")
_LONG = 8_000  # characters of a statement that is unlikely to be repeated


class Cursor(base.SQLiteCursorWrapper):
    """Translates the placeholders of a statement once: repeating that costs half as much as a step's statements."""

    def convert_query(self, query: str, *, param_names: Sequence[str] | None = None) -> str:
        """Turn Django's placeholders into SQLite's."""
        if param_names is not None or len(query) > _LONG:
            return str(super().convert_query(query, param_names=param_names))
        return _translated(query)


@lru_cache(maxsize=512)
def _translated(query: str) -> str:
    return base.FORMAT_QMARK_REGEX.sub("?", query).replace("%%", "%")


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection that queues before it writes."""

    _gate: int | None = None  # the descriptor of the lock while this connection writes

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Open the file; create its folder if it is missing."""
        if not self.is_in_memory_db():
            with suppress(OSError):  # SQLite reports the error itself
                Path(conn_params["database"]).parent.mkdir(parents=True, exist_ok=True)
        return super().get_new_connection(conn_params)

    def init_connection_state(self) -> None:
        """Make single statements outside of a transaction take the writers' lock too."""
        super().init_connection_state()
        if self._through_gate not in self.execute_wrappers:
            self.execute_wrappers.append(self._through_gate)

    def create_cursor(self, name: str | None = None) -> Any:
        """Create a cursor that caches its translations."""
        return self.connection.cursor(factory=Cursor)

    def _start_transaction_under_autocommit(self) -> None:
        self._enter_gate()
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]  # private, so without a stub
        except BaseException:
            self._leave_gate()
            raise

    def _commit(self) -> None:
        try:
            super()._commit()  # type: ignore[misc]  # private
        finally:
            self._leave_gate()

    def _rollback(self) -> None:
        try:
            super()._rollback()  # type: ignore[misc]  # private
        finally:
            self._leave_gate()

    def _close(self) -> None:
        try:
            super()._close()  # type: ignore[misc]  # private
        finally:
            self._leave_gate()

    def _through_gate(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if self.in_atomic_block or self._gate is not None or not sql.startswith(_WRITES):
            return execute(sql, params, many, context)
        self._enter_gate()
        try:
            return execute(sql, params, many, context)
        finally:
            self._leave_gate()

    def _enter_gate(self) -> None:
        if self._gate is None and not self.is_in_memory_db():
            path = f"{self.settings_dict['NAME']}.writers"
            self._gate = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._gate, fcntl.LOCK_EX)

    def _leave_gate(self) -> None:
        if self._gate is not None:
            gate, self._gate = self._gate, None
            os.close(gate)
