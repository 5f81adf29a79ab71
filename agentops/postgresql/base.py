"""PostgreSQL connections that survive a restart of the server and a fork of the process.

Django's pool hands out connections that the server has closed, or sleeps 1, 2, 4 ... seconds between checks of them;
and it waits longer and longer before it reconnects. A heartbeat cannot wait that long. Here a dead connection is
detected without a round trip, discarded and replaced; with `defaults.database`, a server that is back is used within a
second or two.
"""

import logging
import os
import select
from typing import Any

from django.db import connections
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.postgresql import base
from psycopg import Connection, OperationalError
from psycopg_pool import PoolTimeout

from agentops.postgresql.lost import forget_all, note_returned, note_taken, take_back_lost, who_has_them

log = logging.getLogger(__name__)

# A hung statement or transaction releases its locks; none of ours takes nearly this long.
_LIMITS = "SET statement_timeout = '60s'; SET idle_in_transaction_session_timeout = '60s'"

_left_to_the_parent: list[Any] = []


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection that is guaranteed to be alive when taken from the pool."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Take a living connection from the pool."""
        if not self.pool:
            return super().get_new_connection(conn_params)
        take_back_lost(self.pool)
        try:
            while _hung_up(taken := super().get_new_connection(conn_params)):
                taken.close()
                taken._pool.putconn(taken)  # the pool replaces it
        except PoolTimeout as error:
            log.error("%s", why := who_has_them(self.pool))
            raise OperationalError(why) from error
        note_taken(taken)
        return taken

    def _close(self) -> None:
        if self.pool and self.connection is not None:
            note_returned(self.connection)
        super()._close()  # type: ignore[misc]  # private, so without a stub

    def schema_editor(self, *args: Any, **kwargs: Any) -> BaseDatabaseSchemaEditor:
        """Change the schema without a statement timeout."""
        with self.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0")
        return super().schema_editor(*args, **kwargs)

    def _configure_connection(self, connection: Connection[Any]) -> bool:
        super()._configure_connection(connection)  # type: ignore[misc]  # private, so without a stub
        if "options" not in self.settings_dict["OPTIONS"]:  # limits in the address take precedence
            connection.execute(_LIMITS)
        return True  # tells the caller to commit


def _hung_up(connection: Connection[Any]) -> bool:
    """Say whether the server has closed the connection: an idle one is readable only then."""
    if connection.closed:
        return True
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def _begin_anew() -> None:
    """Drop the pool in a forked child: leave the parent's connections alone; the pool's threads are gone."""
    pools = base.DatabaseWrapper._connection_pools  # type: ignore[attr-defined]  # private, so without a stub
    _left_to_the_parent.append(dict(pools))
    pools.clear()
    forget_all()
    for connection in connections.all(initialized_only=True):
        if isinstance(connection, DatabaseWrapper):
            _left_to_the_parent.append(connection)
            del connections[connection.alias]


os.register_at_fork(after_in_child=_begin_anew)
