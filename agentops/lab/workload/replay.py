"""One replay from beginning to end: read, start, play, stop, compare."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

from agentops.examples.workload.declaration import workload_agent
from agentops.examples.workload.folder import FolderError
from agentops.lab.workload.conversations import Workload, read_workload
from agentops.lab.workload.environment import (
    NotReadyError,
    new_label,
    open_environment,
    prepare_database,
    tenants_with_tokens,
)
from agentops.lab.workload.play import Played
from agentops.lab.workload.pool import play_all
from agentops.lab.workload.report import WorkloadReport, make_report
from agentops.lab.workload.request_log import ReceivedRequests
from agentops.offline.model import BATCH_S
from runs.errors import DeclarationError
from runs.states import Lane


def checked_workload(folder: Path, *, limit: int | None) -> Workload:
    """Read a folder and try to declare its agent, so that a mistake shows here and not in a child's log.

    Raises: NotReadyError naming file and line.
    """
    try:
        workload = read_workload(folder, limit=limit)
        workload_agent(folder)().check()
    except FolderError as error:
        raise NotReadyError(str(error)) from error
    except DeclarationError as error:
        raise NotReadyError(f"{folder}: {error}. {error.hint}") from error
    return workload


def replay(
    workload: Workload,
    *,
    workers: int,
    lane: Lane = Lane.STANDARD,
    batch_s: float = BATCH_S,
    stopping: threading.Event,
    ended: Callable[[Played], None],
    warn: Callable[[str], None],
) -> WorkloadReport:
    """Play all conversations of a workload and compare what happened with what was recorded.

    Raises: NotReadyError when it cannot run; StoppedError when `stopping` is set meanwhile.
    """
    label = new_label()
    warning = prepare_database()
    if warning:
        warn(warning)
    with (
        tenants_with_tokens() as tokens,
        open_environment(workload.folder, label=label, workers=workers, batch_s=batch_s) as environment,
    ):
        begun_at = time.monotonic()
        played = play_all(
            workload.conversations,
            base_url=environment.base_url,
            tokens=tokens,
            label=label,
            lane=lane,
            stopping=stopping,
            watch=environment.watch,
            ended=ended,
        )
        played_s = time.monotonic() - begun_at
    begun_at = time.monotonic()
    report = make_report(workload, played, ReceivedRequests(environment.log), label=label, workers=workers, lane=lane)
    report.played_s, report.compared_s = played_s, time.monotonic() - begun_at
    report.restarted = environment.restarted
    if report.is_clean:
        environment.log.unlink()  # large, and of interest only where something differs
    return report
