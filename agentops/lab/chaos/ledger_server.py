"""The ledger's process: appends effects to a file and answers only when they are on the disk. Never killed.

Run as `python -m agentops.lab.chaos.ledger_server SOCKET FILE`; imports nothing of Django, to stay small. Each
request and each answer is one line of JSON; one connection carries one request.
"""

import contextlib
import json
import os
import socketserver
import sys
import threading
from pathlib import Path
from typing import Any


class Book:
    """The effects, on disk and in memory."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._lock = threading.Lock()
        self._by_key: dict[str, int] = {}
        self._by_op: dict[tuple[str, str], int] = {}
        self._count = 0

    def effect(self, run: str, op: str, key: str | None, effect: str) -> int:
        """Note an effect and return its receipt; an idempotent one with a known key has happened already."""
        with self._lock:
            if effect == "idempotent" and key in self._by_key:
                return self._by_key[key]
            self._count += 1
            line = {"receipt": self._count, "run": run, "op": op, "key": key, "effect": effect}
            os.write(self._file, json.dumps(line).encode() + b"\n")
            os.fsync(self._file)
            if key:
                self._by_key.setdefault(key, self._count)
            self._by_op.setdefault((run, op), self._count)
            return self._count

    def find(self, key: str | None = None, run: str = "", op: str = "") -> int | None:
        """Return the receipt of the first effect under a key, or of an operation of a run."""
        with self._lock:
            return self._by_key.get(key) if key else self._by_op.get((run, op))


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        """Answer one request. A caller that is gone has had its effect all the same."""
        request: dict[str, Any] = json.loads(self.rfile.readline() or b"{}")
        book: Book = self.server.book  # type: ignore[attr-defined]  # set below
        verb = request.pop("do", None)
        receipt = book.effect(**request) if verb == "effect" else book.find(**request) if verb else None
        with contextlib.suppress(OSError):
            self.wfile.write(json.dumps({"receipt": receipt}).encode() + b"\n")


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 128


def serve(sock: Path, file: Path) -> None:
    """Serve until told to end."""
    with _Server(str(sock), _Handler) as server:
        server.book = Book(file)  # type: ignore[attr-defined]  # the handler reads it
        server.serve_forever()


if __name__ == "__main__":
    serve(Path(sys.argv[1]), Path(sys.argv[2]))
