"""Allow one demo at a time per `var/` and port: refuse a second one before it changes anything."""

import fcntl
import os
import socket
from pathlib import Path

from agentops.stack import StackError, instance_at

ADDRESS = "demo.address"  # in `var/`: the demo's address, valid while it holds the lock on this file


class OnlyDemo:
    """The claim of this process on `var/`. The kernel drops it when the process ends, even by `kill -9`."""

    def __init__(self, var: Path, *, port: int) -> None:
        """Claim the folder, and check that the port is free if one is given.

        Raises: StackError with the address of the running demo.
        """
        path = var / ADDRESS
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            where = path.read_text().strip() or "it is still starting"
            raise StackError(f"a demo runs over {var} already: {where}. Use that one, or end it first.") from None
        self.runs_at("")
        if port:
            _expect_free(port)

    def runs_at(self, address: str) -> None:
        """Record this demo's address, for people and for a second demo; empty when it ends."""
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, address.encode(), 0)

    def close(self) -> None:
        """Release the folder."""
        self.runs_at("")
        os.close(self._file)


def _expect_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            address = f"http://127.0.0.1:{port}"
            whose = "agentops runs there" if instance_at(address) is not None else "it is no agentops"
            raise StackError(f"port {port}: {error}; {whose}, see {address}/. Choose another with --port.") from None
