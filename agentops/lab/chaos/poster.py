"""The client: posts the runs one after the other, as many as it may, with patience for a web server that dies."""

import threading
from collections.abc import Iterable, Mapping
from uuid import UUID

from agentops.lab.chaos.postings import Posting
from agentops.lab.workload.client import StoppedError, UnreachableError, WorkloadApiError, WorkloadClient

_LOOK_EVERY_S = 0.05


class Poster(threading.Thread):
    """A thread that posts. `allowed` says how many runs there may be by now."""

    def __init__(
        self, postings: Iterable[Posting], clients: Mapping[str, WorkloadClient], stopping: threading.Event
    ) -> None:
        super().__init__(name="poster", daemon=True)
        self._postings, self._clients, self._stopping = postings, clients, stopping
        self.allowed = 0
        self.posted: list[UUID] = []  # those that the API has accepted
        self.problem: str | None = None

    def run(self) -> None:
        """Post until all are posted, or told to stop."""
        try:
            for posting in self._postings:
                while len(self.posted) >= self.allowed:
                    if self._stopping.wait(_LOOK_EVERY_S):
                        return
                self.posted.append(self._post(posting))
        except StoppedError:
            return
        except (WorkloadApiError, KeyError) as error:
            self.problem = f"a run was refused: {error}"

    def _post(self, posting: Posting) -> UUID:
        while True:
            try:
                return UUID(self._clients[posting.tenant].post_run(posting.body, key=posting.key)["id"])
            except UnreachableError:
                self._clients[posting.tenant].pause(_LOOK_EVERY_S)
