"""PostgreSQL whose connections survive a restart of the server and a fork of the process.

Django's pool hands out connections that the server has hung up on, or sleeps 1, 2, 4 ... seconds between checks of
them; and it waits ever longer before it connects anew. A heartbeat cannot wait that long. Here a dead connection is
seen without a round trip, thrown away and replaced; `reconnect` sees to it that a server that is back is used within
a second or two.
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

# A statement or a transaction that hangs gives its locks back; nothing of ours takes nearly so long.
_LIMITS = "SET statement_timeout = '60s'; SET idle_in_transaction_session_timeout = '60s'"

_left_to_the_parent: list[Any] = []


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection that is alive when it is taken from the pool."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Take a living connection."""
        if not self.pool:
            return super().get_new_connection(conn_params)
        take_back_lost(self.pool)
        try:
            while _hung_up(taken := super().get_new_connection(conn_params)):
                taken.close()
                taken._pool.putconn(taken)  # the pool makes another in its place
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
        """Change the schema, however long it takes."""
        with self.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0")
        return super().schema_editor(*args, **kwargs)

    def _configure_connection(self, connection: Connection[Any]) -> bool:
        super()._configure_connection(connection)  # type: ignore[misc]  # private, so without a stub
        if "options" not in self.settings_dict["OPTIONS"]:  # whoever sets limits in the address means them
            connection.execute(_LIMITS)
        return True  # whoever called us commits


def _hung_up(connection: Connection[Any]) -> bool:
    """Say whether the server has closed its end: nothing else can be read from an idle connection."""
    if connection.closed:
        return True
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def _begin_anew() -> None:
    """In a forked child: leave the parent's connections alone; a pool whose threads are gone serves nobody."""
    pools = base.DatabaseWrapper._connection_pools  # type: ignore[attr-defined]
    _left_to_the_parent.append(dict(pools))
    pools.clear()
    forget_all()
    for connection in connections.all(initialized_only=True):
        if isinstance(connection, DatabaseWrapper):
            _left_to_the_parent.append(connection)
            del connections[connection.alias]


os.register_at_fork(after_in_child=_begin_anew)
