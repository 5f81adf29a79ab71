"""Runs a command and ends with its starter: started as a script by `child.py`, never imported.

The starter holds the other end of our standard input and never writes to it. When the starter ends, by
`kill -9` too, the kernel closes that end, and the whole process group goes. Should this guard be the one that is
killed, the kernel ends the command instead, where there is such a service (Linux).
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable

PR_SET_PDEATHSIG = 1


def main(argv: list[str]) -> int:
    """Run the command in our process group and return its exit code, 128 + n after signal n."""
    # No thread runs yet, so code between fork and exec is safe here.
    command = subprocess.Popen(argv, stdin=subprocess.DEVNULL, preexec_fn=_die_with(os.getpid()))  # noqa: PLW1509
    threading.Thread(target=_end_with_starter, daemon=True).start()
    code = command.wait()
    return code if code >= 0 else 128 - code


def _end_with_starter() -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.killpg(0, signal.SIGKILL)


def _die_with(parent: int) -> Callable[[], None]:
    prctl = ctypes.CDLL(None).prctl if sys.platform.startswith("linux") else None

    def die_with_parent() -> None:
        if prctl:
            prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        # The parent may have ended just before the call, and then no signal ever comes.
        if os.getppid() != parent:
            os._exit(1)

    return die_with_parent


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
