"""A place for one measurement: a process of its own, with a fresh durable database that goes away with it."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings

from agentops.embedded.postgres import EmbeddedPostgres

DATABASES = ("sqlite", "postgres")
NOBODY = "redis://127.0.0.1:1/0"  # no doorbell is heard in a measurement, unless it has workers


class MeasurementError(RuntimeError):
    """A measurement did not come to its end; the message is what it said last."""


def measure_in_child(database: str, arguments: Sequence[str], *, doorbells: bool = False) -> dict[str, Any]:
    """Run `manage.py bench … --here` over a fresh database; return the figures that it prints.

    With `doorbells` it has an embedded Valkey of its own, and its workers know the job types of the bench.
    Raises: MeasurementError; NoPostgresError.
    """
    with (
        tempfile.TemporaryDirectory(prefix="bench-", dir=settings.VAR_DIR) as folder,
        _database(database, folder) as url,
    ):
        env = os.environ | {"AGENTOPS_VAR": folder, "DATABASE_URL": url, "REDIS_URL": NOBODY, "LOG_LEVEL": "ERROR"}
        if doorbells:
            env |= {"REDIS_URL": "", "AGENTOPS_BENCH": "1"}
        command = [sys.executable, sys.argv[0], "bench", *arguments, "--here"]
        child = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=False)
    if child.returncode:
        raise MeasurementError(f"bench {' '.join(arguments)} on {database} ended with {child.returncode}")
    figures: dict[str, Any] = json.loads(child.stdout.splitlines()[-1])
    return figures


@contextmanager
def _database(database: str, folder: str) -> Iterator[str]:
    if database == "sqlite":
        yield f"sqlite:///{folder}/bench.sqlite3"
        return
    server = EmbeddedPostgres(Path(folder) / "pg")
    try:
        yield server.url
    finally:
        server.stop()
