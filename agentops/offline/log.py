"""The record of every message request that was answered, in memory and as JSON lines in a file."""

import json
import threading
from collections import deque
from pathlib import Path

from agentops.offline.jsontext import JsonObject, compact_ascii

# Bodies repeat their whole conversation; a long demonstration must not fill the memory. The file keeps all.
KEPT_IN_MEMORY = 10_000


class RequestLog:
    """Keep one line for each finished request.

    Shape: {"at", "request_id", "user_id", "body", "status", "fault", "response", "aborted"}; `fault` is a
    kind or null, `response` the message served or null, `aborted` true when the connection ended too early.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        self._lines: deque[bytes] = deque(maxlen=KEPT_IN_MEMORY)
        self._lock = threading.Lock()
        self._path = None if path is None else Path(path)
        if self._path is not None:
            # A path that cannot be written fails here and not in the middle of a run.
            self._path.touch()

    def record(
        self,
        body: JsonObject,
        *,
        at: float,
        request_id: str,
        status: int,
        fault: str | None,
        response: JsonObject | None,
        aborted: bool,
    ) -> None:
        """Add a finished request; its line reaches the file in one write."""
        metadata = body.get("metadata")
        entry = {
            "at": at,
            "request_id": request_id,
            "user_id": metadata.get("user_id") if isinstance(metadata, dict) else None,
            "body": body or None,
            "status": status,
            "fault": fault,
            "response": response,
            "aborted": aborted,
        }
        line = f"{compact_ascii(entry)}\n".encode()
        with self._lock:
            self._lines.append(line)
            if self._path is not None:
                with self._path.open("ab", buffering=0) as file:
                    file.write(line)

    def entries(self) -> list[JsonObject]:
        """Return the requests in the order they finished."""
        return [json.loads(line) for line in self.as_lines().splitlines()]

    def as_lines(self) -> bytes:
        """Return the requests as JSON lines."""
        with self._lock:
            return b"".join(self._lines)
