"""The embedded Valkey under `var/`: started by the first process that needs it, stopped with the last.

Every process that uses it holds a shared lock on `valkey.users`; the kernel drops it when the process ends, even by
`kill -9`. A keeper (`valkey_keeper`) in its own process group owns the server, restarts it if it dies, and tries for an
exclusive lock on the same file, which it gets when no user is left. A killed keeper takes its server with it; both come
back when a process needs the server again.
"""

import fcntl
import hashlib
import os
import socket
import sys
import tempfile
import time
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_STARTS_IN_S = 15.0
_SOCKET_PATH_MAX = 100  # the kernel's maximum is 107 bytes
_held: dict[Path, int] = {}


def socket_path(var: Path) -> Path:
    """Return the socket of this folder's server: inside it, or in the temporary folder if the path is too long."""
    path = var / "valkey.sock"
    if len(str(path)) <= _SOCKET_PATH_MAX:
        return path
    digest = hashlib.sha256(str(var).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"agentops-{digest}.sock"


def ensure_valkey(var: Path) -> Path:
    """Keep the server running while this process lives; return the path of its socket.

    Raises: ConnectionError with the path of the log if it does not start.
    """
    path = socket_path(var)
    if _is_user(var) and answers(path):
        return path
    with (var / "valkey.start").open("a") as starting:
        fcntl.flock(starting, fcntl.LOCK_EX)  # one starter at a time
        if not _is_user(var):
            users = os.open(var / "valkey.users", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(users, fcntl.LOCK_SH)  # waits while a keeper is shutting down
            _held[var] = os.getpid()  # `users` stays open on purpose: the lock is our claim
        if not answers(path):
            _start_keeper(var)
            _await(path, log=var / "valkey.log")
    return path


def _is_user(var: Path) -> bool:
    """Say whether this process has its own claim: a forked child only shares its parent's."""
    return _held.get(var) == os.getpid()


def answers(path: Path) -> bool:
    """Ping the server."""
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1.0)
            client.connect(str(path))
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")
    except OSError:
        return False


def _start_keeper(var: Path) -> None:
    """Start the keeper in a new session; nothing waits for it, and it is not a child of a worker."""
    log = str(var / "valkey.log")
    env = {name: value for name, value in os.environ.items() if name != "AGENTOPS_WORKER_ID"}
    os.posix_spawn(
        sys.executable,
        [sys.executable, "-P", "-m", "agentops.embedded.valkey_keeper", str(var), str(socket_path(var))],
        env | {"PYTHONPATH": os.pathsep.join([str(_ROOT), os.environ.get("PYTHONPATH", "")])},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )


def _await(path: Path, *, log: Path) -> None:
    ends_at = time.monotonic() + _STARTS_IN_S
    while not answers(path):
        if time.monotonic() > ends_at:
            raise ConnectionError(f"the embedded Valkey did not start; see {log}")
        time.sleep(0.02)  # another process is starting it; only its socket is visible
