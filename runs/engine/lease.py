"""The lease of one claimed run inside this process: it says whether the work may still go on."""

import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from runs import clock
from runs.errors import DeadlineError, RunsError, StepTimeoutError

# What notices its deadline by itself has so long to say so, before its thread is given up.
OVERDUE_AFTER_S = 1.0


class LeaseLostError(RunsError):
    """Another worker may hold the run: stop, write nothing."""


class CancelRequestedError(RunsError):
    """Somebody asked to cancel the run: stop and settle it as cancelled."""


class ReleaseRequestedError(RunsError):
    """The worker is stopping: give the run back at this boundary, or in mid-call once the grace is over."""


# What stops the work from outside; no failure of the code that it comes upon.
STOPS = (LeaseLostError, CancelRequestedError, ReleaseRequestedError, DeadlineError)


@dataclass(slots=True)
class Lease:
    """What the heartbeat thread and the working thread of one run tell each other."""

    run_id: UUID
    fence: int
    claimed_at_db: datetime  # the database's clock at the claim
    worker_name: str = ""
    budget_s: float = float("inf")  # time under a lease that is left to the run
    claimed_at: float = field(default_factory=clock.monotonic)
    valid_until: float = float("inf")  # monotonic; set by the claim, moved by each heartbeat
    step_deadline: float = float("inf")  # monotonic; the heartbeat renews no longer than this
    lost: threading.Event = field(default_factory=threading.Event)
    cancel: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)
    abort: threading.Event = field(default_factory=threading.Event)  # the grace is over: stop in mid-call
    forgiven_s: float = 0.0  # of the time under the lease; does not count against the run's `timeout_s`
    abandoned: bool = False  # its thread was given up, and another stands in its place

    def check(self) -> None:
        """Raise if the work must not go on. Called before every effect and between stream events.

        Raises: LeaseLostError, CancelRequestedError, ReleaseRequestedError (only when the grace is over),
        DeadlineError, in this order.
        """
        self.check_held()
        if self.cancel.is_set():
            raise CancelRequestedError(f"run {self.run_id}: cancelled")
        if self.abort.is_set():
            raise ReleaseRequestedError(f"run {self.run_id}: the worker ends")
        if self.counted_s > self.budget_s:
            raise DeadlineError("the run has used up its timeout_s")

    def check_held(self) -> None:
        """Raise LeaseLostError unless the run is still ours."""
        # A process that was stopped and goes on must not act before its heartbeat has caught up.
        if self.lost.is_set() or clock.monotonic() > self.valid_until:
            self.lost.set()
            raise LeaseLostError(f"run {self.run_id}: the lease is lost")

    def check_boundary(self) -> None:
        """Between two steps: as `check`, and stop here if the worker is stopping.

        Raises: also ReleaseRequestedError.
        """
        self.check()
        if self.release.is_set():
            raise ReleaseRequestedError(f"run {self.run_id}: the worker is stopping")

    def check_step(self) -> None:
        """Within a step: as `check`, and stop at the step's deadline. Raises: also StepTimeoutError."""
        self.check()
        if self.past_step:
            raise StepTimeoutError("the step took longer than its timeout_s")

    def now(self) -> datetime:
        """The database's clock, without asking it: its time at the claim plus what has passed here."""
        return self.claimed_at_db + timedelta(seconds=self.held_s)

    @property
    def held_s(self) -> float:
        """Seconds under this lease."""
        return clock.monotonic() - self.claimed_at

    @property
    def counted_s(self) -> float:
        """Seconds under this lease that count against the run's `timeout_s`."""
        return self.held_s - self.forgiven_s

    def forgive(self, seconds: float) -> None:
        """Do not count so much: somebody else did not answer."""
        self.forgiven_s += seconds

    def begin_step(self, timeout_s: float) -> None:
        """Let the heartbeat renew until the step's deadline, or the run's, and no longer."""
        self.step_deadline = clock.monotonic() + timeout_s

    def end_step(self) -> None:
        """The step is over: no deadline but the run's own."""
        self.step_deadline = float("inf")

    @property
    def past_step(self) -> bool:
        """The step in flight has outlived its deadline."""
        return clock.monotonic() > self.step_deadline

    @property
    def overdue(self) -> bool:
        """Step or run have outlived their deadline, and whoever works on them has not said so: it hangs."""
        run_deadline = self.claimed_at + self.forgiven_s + max(0.0, self.budget_s)
        return clock.monotonic() > min(self.step_deadline, run_deadline) + OVERDUE_AFTER_S
