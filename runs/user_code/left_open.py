"""Find, roll back and name what the project's code leaves open in the database connections of its thread.

An open transaction would swallow the engine's next writes; a session with changed settings would be reused by the next
run.
"""

import contextlib
import re
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

_ORDINARY = re.compile(
    r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH|BEGIN|SAVEPOINT|RELEASE|ROLLBACK TO|DECLARE|FETCH)\b", re.I
)
_CHANGES_SESSION = re.compile(r"\bset_config\s*\(|\bpg_(try_)?advisory_lock|;\s*\S", re.I)
_present: ContextVar["Connections | None"] = ContextVar("connections_of_user_code", default=None)


@dataclass(slots=True)
class _State:
    """One connection as it was before the call."""

    wrapper: BaseDatabaseWrapper
    in_transaction: bool
    savepoints: int
    atomic_blocks: int
    needs_rollback: bool
    execute_wrappers: list[Any]
    session_changed: bool = False

    def note(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        """Notice statements that may change the session (a Django execute wrapper)."""
        if not _ORDINARY.match(sql) or _CHANGES_SESSION.search(sql):
            self.session_changed = True
        return execute(sql, params, many, context)


class Connections:
    """The connections of this thread around one call."""

    def __init__(self) -> None:
        self._before = {wrapper.alias: _watch(wrapper) for wrapper in connections.all(initialized_only=True)}
        self._token = _present.set(self)

    def restore(self) -> str:
        """Restore every connection; return a message about what was rolled back, empty if nothing."""
        _present.reset(self._token)
        return _in_words(wrapper.alias for wrapper in connections.all(initialized_only=True) if self._restore(wrapper))

    def is_open(self) -> bool:
        """Say whether the call has a transaction open now on the engine's database."""
        wrapper = connections[DEFAULT_DB_ALIAS]
        return _has_begun(wrapper, self._state_of(wrapper))

    def _state_of(self, wrapper: BaseDatabaseWrapper) -> _State | None:
        state = self._before.get(wrapper.alias)
        return state if state and state.wrapper is wrapper else None

    def _restore(self, wrapper: BaseDatabaseWrapper) -> bool:
        state = self._state_of(wrapper)
        was_open = _has_begun(wrapper, state)
        if state and state.in_transaction:
            if was_open:
                _roll_back_to(wrapper, state)
        elif was_open:
            _roll_back(wrapper)
        elif state is None or state.session_changed:
            _hang_up(wrapper)
        elif wrapper.alias != DEFAULT_DB_ALIAS:
            wrapper.close_if_unusable_or_obsolete()
        if state:
            wrapper.execute_wrappers[:] = state.execute_wrappers
        return was_open


def transaction_is_open() -> bool:
    """Say whether the running project code has a transaction open, in which the engine must not write."""
    present = _present.get()
    return present.is_open() if present else _has_begun(connections[DEFAULT_DB_ALIAS], None)


def close_all() -> str:
    """Close every connection of an ending thread; return a message about what was rolled back, empty if nothing."""
    left = []
    for wrapper in connections.all(initialized_only=True):
        if _has_begun(wrapper, None):
            left.append(wrapper.alias)
            _roll_back(wrapper)
        else:
            _hang_up(wrapper)
    return _in_words(left)


def _in_words(aliases: Iterable[str]) -> str:
    """Write a message about the databases where a transaction was left open; empty if there are none."""
    named = ", ".join(map(repr, aliases))
    if not named:
        return ""
    return (
        f"A transaction was left open on the database {named}: what was written in it is rolled back. "
        "Write `with transaction.atomic():`, which ends it."
    )


def _watch(wrapper: BaseDatabaseWrapper) -> _State:
    state = _State(
        wrapper,
        in_transaction=wrapper.in_atomic_block,
        savepoints=len(wrapper.savepoint_ids),
        atomic_blocks=len(wrapper.atomic_blocks),
        needs_rollback=wrapper.needs_rollback,
        execute_wrappers=list(wrapper.execute_wrappers),
    )
    wrapper.execute_wrappers.append(state.note)
    return state


def _has_begun(wrapper: BaseDatabaseWrapper, before: _State | None) -> bool:
    if before and before.in_transaction:
        return len(wrapper.savepoint_ids) > before.savepoints
    if wrapper.in_atomic_block:
        return True
    if wrapper.connection is None or not wrapper.settings_dict["AUTOCOMMIT"]:
        return False
    return not wrapper.autocommit or _driver_is_in_transaction(wrapper.connection)


def _driver_is_in_transaction(connection: Any) -> bool:
    """Ask the driver, sqlite3 or psycopg, which also sees a BEGIN issued behind Django's back."""
    if (info := getattr(connection, "info", None)) is not None:
        return int(info.transaction_status) in (1, 2, 3)  # active, in a transaction, in a failed transaction
    return bool(getattr(connection, "in_transaction", False))


def _roll_back_to(wrapper: BaseDatabaseWrapper, before: _State) -> None:
    """Undo only the savepoints of the call: the transaction around it is the caller's."""
    sid = next(filter(None, wrapper.savepoint_ids[before.savepoints :]), None)
    wrapper.needs_rollback = False
    if sid:
        wrapper.savepoint_rollback(sid)
        wrapper.savepoint_commit(sid)
    del wrapper.savepoint_ids[before.savepoints :]
    del wrapper.atomic_blocks[before.atomic_blocks :]
    wrapper.needs_rollback = before.needs_rollback


def _roll_back(wrapper: BaseDatabaseWrapper) -> None:
    """Roll back the transaction and close the connection."""
    with contextlib.suppress(Exception):  # if the connection is broken, the server has rolled back
        if wrapper.connection is not None:
            wrapper.connection.rollback()
    wrapper.in_atomic_block = wrapper.closed_in_transaction = wrapper.needs_rollback = False
    wrapper.savepoint_ids, wrapper.atomic_blocks = [], []
    _hang_up(wrapper)


def _hang_up(wrapper: BaseDatabaseWrapper) -> None:
    """Close the real connection: a pool would reuse a session that this code has changed."""
    with contextlib.suppress(Exception):
        if wrapper.connection is not None and not wrapper.in_atomic_block:
            wrapper.connection.close()
    with contextlib.suppress(Exception):
        wrapper.close()
