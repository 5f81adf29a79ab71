"""A proxy in front of PostgreSQL that cuts one connection in the middle of a write of a run."""

import re
import selectors
import socket
import threading
from pathlib import Path

# What a run writes arrives as one guarded statement that commits itself, or ends with a COMMIT. A statement that comes
# again is first given a name, and then only called by it.
_WRITES = (b"COMMIT", b"WITH fenced AS")
_NAMED = re.compile(rb"(_pg3_\d+\x00)WITH fenced AS")


class CuttingProxy:
    """Listens in `folder` under PostgreSQL's socket name and forwards to the server's socket."""

    def __init__(self, folder: Path, server: str) -> None:
        self._server = server
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / ".s.PGSQL.5432"))
        self._listener.listen(50)
        self._cut_at, self._deliver = 0, False
        self.writes = 0
        self.cuts = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, *, at_write: int, deliver: bool) -> None:
        """Cut at the n-th write from now, before or after the server gets it; its answer never arrives."""
        self.writes, self.cuts = 0, 0
        self._cut_at, self._deliver = at_write, deliver

    def close(self) -> None:
        """Listen no more."""
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._server)
            threading.Thread(target=self._forward, args=(client, server), daemon=True).start()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        names: set[bytes] = set()
        with client, server, selectors.DefaultSelector() as ready:
            ready.register(client, selectors.EVENT_READ, server)
            ready.register(server, selectors.EVENT_READ, client)
            while True:
                for key, _ in ready.select():
                    data = key.fileobj.recv(65536)
                    if not data:
                        return
                    if key.fileobj is client and self._is_cut(data, names):
                        if self._deliver:
                            server.sendall(data)
                            server.recv(65536)  # done, but nobody will hear of it
                        return
                    key.data.sendall(data)

    def _is_cut(self, data: bytes, names: set[bytes]) -> bool:
        if named := _NAMED.findall(data):
            names.update(named)
            return False
        if not any(mark in data for mark in (*_WRITES, *names)):
            return False
        self.writes += 1
        self.cuts += self.writes == self._cut_at
        return self.writes == self._cut_at
