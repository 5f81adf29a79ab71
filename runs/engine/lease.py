"""The lease of one claimed run inside this process: check whether the work may go on."""

import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from runs import clock
from runs.errors import DeadlineError, RunsError, StepTimeoutError

# Time for code to notice its own deadline and stop, before its thread is given up.
OVERDUE_AFTER_S = 1.0


class LeaseLostError(RunsError):
    """Another worker may hold the run: stop, write nothing."""


class CancelRequestedError(RunsError):
    """Somebody asked to cancel the run: stop and finish it as cancelled."""


class ReleaseRequestedError(RunsError):
    """The worker is stopping: release the run at this boundary, or in mid-call once the grace is over."""


# What stops the work from outside; not a failure of the code that it interrupts.
STOPS = (LeaseLostError, CancelRequestedError, ReleaseRequestedError, DeadlineError)


@dataclass(slots=True)
class Lease:
    """State shared by the heartbeat thread and the working thread of one run."""

    run_id: UUID
    fence: int
    claimed_at_db: datetime  # the database's clock at the claim
    worker_name: str = ""
    budget_s: float = float("inf")  # the run's remaining time under a lease
    claimed_at: float = field(default_factory=clock.monotonic)
    valid_until: float = float("inf")  # monotonic; set by the claim, moved by each heartbeat
    step_deadline: float = float("inf")  # monotonic; the heartbeat renews no longer than this
    lost: threading.Event = field(default_factory=threading.Event)
    cancel: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)
    abort: threading.Event = field(default_factory=threading.Event)  # the grace is over: stop in mid-call
    forgiven_s: float = 0.0  # of the time under the lease; does not count against the run's `timeout_s`
    abandoned: bool = False  # its thread was given up and replaced

    def check(self) -> None:
        """Raise if the work must stop. Called before every effect and between stream events.

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
        # A process that was suspended and resumes must not act before its heartbeat has caught up.
        if self.lost.is_set() or clock.monotonic() > self.valid_until:
            self.lost.set()
            raise LeaseLostError(f"run {self.run_id}: the lease is lost")

    def check_boundary(self) -> None:
        """Check between two steps: as `check`, and also raise if the worker is stopping.

        Raises: also ReleaseRequestedError.
        """
        self.check()
        if self.release.is_set():
            raise ReleaseRequestedError(f"run {self.run_id}: the worker is stopping")

    def check_step(self) -> None:
        """Check within a step: as `check`, and also raise past the step's deadline. Raises: also StepTimeoutError."""
        self.check()
        if self.past_step:
            raise StepTimeoutError("the step took longer than its timeout_s")

    def now(self) -> datetime:
        """Return the database's time without a query: its time at the claim plus the time elapsed here."""
        return self.claimed_at_db + timedelta(seconds=self.held_s)

    @property
    def held_s(self) -> float:
        """Return the seconds under this lease."""
        return clock.monotonic() - self.claimed_at

    @property
    def counted_s(self) -> float:
        """Return the seconds under this lease that count against the run's `timeout_s`."""
        return self.held_s - self.forgiven_s

    def forgive(self, seconds: float) -> None:
        """Exclude seconds from the run's time: they were spent waiting for somebody else."""
        self.forgiven_s += seconds

    def begin_step(self, timeout_s: float) -> None:
        """Let the heartbeat renew no longer than the step's deadline, or the run's."""
        self.step_deadline = clock.monotonic() + timeout_s

    def end_step(self) -> None:
        """End the step: only the run's own deadline remains."""
        self.step_deadline = float("inf")

    @property
    def past_step(self) -> bool:
        """Say whether the step in flight is past its deadline."""
        return clock.monotonic() > self.step_deadline

    @property
    def overdue(self) -> bool:
        """Say whether the thread hangs: step or run is past its deadline and the code has not stopped by itself."""
        run_deadline = self.claimed_at + self.forgiven_s + max(0.0, self.budget_s)
        return clock.monotonic() > min(self.step_deadline, run_deadline) + OVERDUE_AFTER_S
