"""The offline model's log by conversation, read again when needed: all bodies together are large."""

import json
from collections import defaultdict
from pathlib import Path

from agentops.lab.workload.findings import Received, received_of


class ReceivedRequests:
    """Finds the requests of a conversation in a finished log."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.total = 0
        self._places: dict[str, list[int]] = defaultdict(list)
        with path.open("rb") as lines:
            at = 0
            for line in lines:
                self._places[str(json.loads(line).get("user_id"))].append(at)
                self.total += 1
                at += len(line)

    @property
    def conversations(self) -> set[str]:
        """The ids that requests came for."""
        return set(self._places)

    def requests(self, conversation: str) -> list[Received]:
        """Return the requests of one conversation in the order in which they ended."""
        found = []
        with self.path.open("rb") as lines:
            for at in self._places.get(conversation, []):
                lines.seek(at)
                found.append(received_of(json.loads(lines.readline())))
        return found
