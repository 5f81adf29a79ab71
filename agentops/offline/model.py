"""The offline model as an object: start it, talk to it, stop it."""

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Self

from agentops.offline.answers import Answers
from agentops.offline.batches import Batches
from agentops.offline.exchange import Application
from agentops.offline.jsontext import JsonObject
from agentops.offline.log import RequestLog
from agentops.offline.quota import OfflineQuota
from agentops.offline.recordings import Recordings
from agentops.offline.script_file import ScriptSource, load_scripts
from agentops.offline.server import HOST, OfflineServer

BATCH_S = 2.0  # from the creation of a batch to its end


class OfflineModel:
    """Serve the Messages API on a free loopback port, from scripts and recorded conversations.

    `scripts` are directories, files or ready mappings; `workload` is a folder with `conversations.jsonl`.
    A message batch ends `batch_s` seconds after it was made.
    `per_minute` are the limits that it enforces, by the names of `quota.py`.

    Raises: ScriptError when a script is not valid, OSError when the workload cannot be read.
    """

    def __init__(
        self,
        scripts: Iterable[ScriptSource] = (),
        *,
        workload: str | Path | None = None,
        log: str | Path | None = None,
        clock: Callable[[], float] = time.time,
        port: int = 0,
        batch_s: float = BATCH_S,
        per_minute: Mapping[str, int] | None = None,
    ) -> None:
        answers = Answers(load_scripts(scripts), Recordings(workload), OfflineQuota(per_minute or {}))
        self._log = RequestLog(log)
        batches = Batches(answers, self._log, ends_after_s=batch_s, clock=clock)
        self._application = Application(answers, batches, self._log, clock)
        self.port = port  # the same when the model is stopped and started again
        self._server: OfflineServer | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def base_url(self) -> str:
        """Return the address for the SDK's `base_url`."""
        return f"http://{HOST}:{self.port}"

    @property
    def requests(self) -> list[JsonObject]:
        """Return the finished message requests, oldest first; the shape is that of `RequestLog`."""
        return self._log.entries()

    def start(self) -> None:
        """Listen, and answer in the background."""
        if self._server is not None:
            return
        self._server = OfflineServer(self._application, self.port)
        self.port = self._server.port
        self._server.start()

    def stop(self) -> None:
        """Stop listening and close every connection, open streams included."""
        if self._server is None:
            return
        server, self._server = self._server, None
        server.stop()
