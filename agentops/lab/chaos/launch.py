"""Restarting `chaos` in a folder and with a database of its own, and clearing away afterwards."""

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agentops.embedded.postgres import EmbeddedPostgres, NoPostgresError
from agentops.lab.chaos.options import CannotRunError, Options

_SOCKET_PATH_MAX = 100  # the kernel takes 107 bytes
_OURS = (
    "AGENTOPS_WORKLOAD",
    "AGENTOPS_EXAMPLES",
    "AGENTOPS_FAULTS",
    "AGENTOPS_FAULT_SEED",
    "REDIS_URL",
    "DATABASE_URL",
)
PGDATA = "pgdata"


def start_again(options: Options, *, var: Path, keep: bool) -> int:
    """Run this very command in an environment of its own; return its exit code.

    The folder stays if it is to be kept, or if something is wrong.
    Raises: CannotRunError.
    """
    folder = var / f"chaos-{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"
    folder.mkdir(parents=True)
    code = 2
    try:
        with _database(options, folder) as url:
            code = _run({**_environment(options, folder), "DATABASE_URL": url})
        return code
    finally:
        if code == 0 and not keep:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            sys.stderr.write(f"Database, ledger and logs are kept in {folder}\n")


def ledger_socket(folder: Path) -> Path:
    """Say where the ledger listens: in the folder, or under the temporary one if its name is too long."""
    path = folder / "ledger.sock"
    if len(str(path)) <= _SOCKET_PATH_MAX:
        return path
    return Path(tempfile.gettempdir()) / f"agentops-ledger-{folder.name}.sock"


def _environment(options: Options, folder: Path) -> dict[str, str]:
    env = {name: value for name, value in os.environ.items() if name not in _OURS}
    env |= {
        "AGENTOPS_VAR": str(folder),
        "AGENTOPS_BATCH_PACE_S": "0.5",
        "AGENTOPS_CHAOS": str(ledger_socket(folder)),
        "AGENTOPS_FAULT_LOG": str(folder / "faults.log"),
    }
    return env | ({"AGENTOPS_CHAOS_WORKLOAD": str(options.workload)} if options.workload else {})


@contextmanager
def _database(options: Options, folder: Path) -> Iterator[str]:
    """Make a fresh database; yield its address."""
    if options.db == "sqlite":
        yield f"sqlite:///{folder / 'agentops.sqlite3'}"
        return
    try:
        server = EmbeddedPostgres(folder / PGDATA)
    except NoPostgresError as error:
        raise CannotRunError(str(error)) from error
    try:
        yield server.url
    finally:
        server.stop()


def _run(env: dict[str, str]) -> int:
    """Wait for the command, and pass on signals that end it."""
    child = subprocess.Popen([sys.executable, *sys.argv], env=env)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal tells the child too
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    try:
        return child.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
