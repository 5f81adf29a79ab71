"""Perform an effect, for tools and steps of jobs alike: intent, check, call, result.

Any exception raised by the code is its failure. The engine's own exceptions pass through it: a lost lease, a cancel,
the end of the worker, the deadline of the run.
"""

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from contextvars import Context
from typing import Any

from runs.conf import conf
from runs.declarations.tools import Tool
from runs.engine.journal import Journal, release_connection
from runs.engine.lease import STOPS, Lease
from runs.engine.results import jsonable
from runs.fault_points import fault_point
from runs.models import Step
from runs.storable import storable_text
from runs.user_code.call import Raised, Returned, call, words_of
from runs.user_code.event_loop import awaited


def perform(
    journal: Journal,
    step: Step,
    function: Callable[[], Any],
    *,
    timeout_s: float,
    tool: Tool | None = None,
    place: AbstractContextManager[None] | None = None,
    context: Context | None = None,
) -> Returned | Raised:
    """Commit the intent, then do the effect; the caller records the result. `place` is held while the intent commits.

    Raises: as `run_code`; as `commit_intent` and `place`, before the effect.
    """
    journal.start(step, deadline_s=timeout_s)
    with place or nullcontext():
        journal.commit_intent(tool=tool)
    fault_point("tool.before")
    journal.lease.check()
    ended = run_code(journal.lease, function, timeout_s=timeout_s, context=context)
    if isinstance(ended, Returned):
        fault_point("tool.after")
    return ended


def words_for(error: BaseException) -> dict[str, str]:
    """Describe an error for a step. Shape: {kind, message}, truncated and without secrets."""
    return {"kind": type(error).__name__, "message": storable_text(words_of(error), conf().text_max_chars)}


def run_code(
    lease: Lease,
    function: Callable[[], Any],
    *,
    timeout_s: float = math.inf,
    context: Context | None = None,
) -> Returned | Raised:
    """Call the project's code, awaiting it if it is asynchronous; return its result as JSON.

    Raises: LeaseLostError, CancelRequestedError, ReleaseRequestedError or DeadlineError if the engine has stopped it.
    """
    lease.begin_step(timeout_s)
    release_connection()
    try:
        ended = call(lambda: jsonable(awaited(function(), lease.check_step)), context=context)
    finally:
        lease.end_step()
        release_connection()
    if isinstance(ended, Raised) and (stop := _stop_in(ended.error, lease)):
        raise stop
    return ended


def _stop_in(error: BaseException, lease: Lease) -> BaseException | None:
    """Find the engine's own exception in what the code raised, also in a group; ignore one the code made itself."""
    found: BaseException | None = error
    while isinstance(found, BaseExceptionGroup):
        group = found.subgroup(STOPS)
        found = group.exceptions[0] if group else None
    if not isinstance(found, STOPS):
        return None
    try:
        lease.check_boundary()
    except STOPS:
        return found
    return None
