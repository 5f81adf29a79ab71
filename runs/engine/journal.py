"""The journal: what the holder of a lease writes, with as few commits as safety allows.

Changes are gathered and written by `commit`, in one transaction that first checks the fence. The loop
commits right before each effect, so the result of one step and the intent of the next share a commit.
"""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, NoReturn
from uuid import UUID

from django.db import DatabaseError, InterfaceError, connection, transaction

from runs.declarations.tools import Tool
from runs.engine.commit_with_retry import commit_with_retry
from runs.engine.lease import CancelRequestedError, Lease, LeaseLostError
from runs.engine.pending_writes import REFUSALS, Gathered
from runs.engine.permissions import check_owner, check_roles, check_tool
from runs.engine.rate_limits.permits import Permit
from runs.errors import HeldBackError, StaleRunError
from runs.fault_points import fault_point
from runs.models import Artifact, BatchedCall, ModelCall, PendingAction, Run, Step
from runs.models.fields import hash_of
from runs.models.moves import Event, Guard
from runs.states import STEP_DONE, Effect, RunStatus, StepKind, StepStatus
from runs.storable import storable, storable_text


class Journal:
    """The steps of one claimed run, and what is to be written about them."""

    def __init__(self, run: Run, lease: Lease) -> None:
        self.run = run
        self.lease = lease
        self._decisions = _decisions_on(run)  # first, so that the steps are as new as they
        self.steps: list[Step] = list(run.steps.order_by("seq"))
        self._gathered = Gathered()

    # Steps

    def plan(self, kind: StepKind, name: str, **columns: Any) -> Step:
        """Add the next step, planned."""
        step = Step(
            run=self.run,
            seq=len(self.steps) + 1,
            kind=kind,
            name=storable_text(name)[:200],
            status=StepStatus.PLANNED,
            planned_at=self.lease.now(),
            **storable(columns),
        )
        self.steps.append(step)
        self._gathered.steps[step.pk] = step
        return step

    def start(self, step: Step, *, deadline_s: float) -> None:
        """Record the intent: from the next commit on, the effect may happen.

        Units: `deadline_s` seconds from now, after which the call in flight cannot arrive.
        """
        step.status = StepStatus.STARTED
        step.attempt += 1
        step.fence = self.lease.fence
        step.started_at = self.lease.now()
        step.deadline_at = step.started_at + timedelta(seconds=deadline_s)
        step.error = None
        if step.arguments is not None:
            step.arguments_hash = hash_of(step.arguments)
        self.key(step)
        self._touch(step, "step.started", attempt=step.attempt)

    def key(self, step: Step) -> str | None:
        """Give a step with an effect its key, which stays the same over all tries."""
        if step.effect and step.effect != Effect.READ:
            step.effect_key = step.effect_key or f"{self.run.pk.hex}-{step.seq}"
        return step.effect_key

    def complete(self, step: Step, result: Any) -> None:
        """Record a result: progress, which zeroes the counters of failure."""
        step.result = storable(result)
        step.result_hash = hash_of(step.result)
        self._finish(step, StepStatus.COMPLETED)

    def fail(self, step: Step, *, kind: str, message: str, result: Any = None) -> None:
        """Record that a step ended with an error; `result` is the model's answer from the tool, if any."""
        step.error = {"type": kind, "message": message}
        step.result = storable(result)
        self._finish(step, StepStatus.FAILED, error=kind)

    def reset_to_planned(self, step: Step, *, kind: str, message: str) -> None:
        """Plan a step again after a try that failed transiently or was lost."""
        step.status = StepStatus.PLANNED
        step.error = {"type": kind, "message": message}
        self._touch(step, "step.put_back", error=kind)

    def keep_in_doubt(self, step: Step, *, kind: str, message: str) -> None:
        """Note a try that failed transiently and whose effect may have happened: its class decides what follows."""
        step.error = {"type": kind, "message": message}
        self.keep(step)

    def mark_in_doubt(self, step: Step, *, kind: str, message: str) -> None:
        """Record that an effect may or may not have happened."""
        step.status = StepStatus.UNKNOWN
        step.error = {"type": kind, "message": message}
        self._touch(step, "step.unknown", error=kind)

    def keep(self, step: Step) -> None:
        """Write other columns of a step that the caller has set."""
        self._gathered.steps[step.pk] = step

    def _finish(self, step: Step, status: StepStatus, **data: Any) -> None:
        step.status = status
        step.finished_at = self.lease.now()
        self._touch(step, f"step.{status}", **data)
        if self.run.attempts or self.run.crashes:
            self.set(attempts=0, failed_tries={}, crashes=0)

    def _touch(self, step: Step, kind: str, **data: Any) -> None:
        self._gathered.steps[step.pk] = step
        self.record_event(kind, step=step.seq, name=step.name, **data)

    # What goes with them

    def record_call(self, call: ModelCall) -> None:
        """Write this row of the ledger, new or changed, with the next commit."""
        self._gathered.calls[call.pk] = call
        self._gathered.holds.note(call, self.run)

    def lay_in(self, batched: BatchedCall) -> None:
        """Write what the batch lane knows of a call, new or changed, with the next commit."""
        self._gathered.batched[batched.pk] = batched

    def will_settle(self, call: ModelCall) -> bool:
        """Say whether the next commit writes this row of the ledger already."""
        return call.pk in self._gathered.calls

    def spend(self, *, usage: Mapping[str, int], cost_usd: Decimal) -> None:
        """Add tokens and money to the run."""
        for name, tokens in usage.items():
            self._add(name, tokens)
        self._add("cost_usd", cost_usd)

    def _add(self, name: str, more: Any) -> None:
        self._gathered.add(name, more)
        setattr(self.run, name, getattr(self.run, name) + more)

    def attach(self, artifact: Artifact) -> None:
        """Store an artifact with the next commit."""
        self._gathered.artifacts.append(artifact)

    def add_action(self, action: PendingAction) -> None:
        """Store an action with the next commit; it is the newest decision on its step from now on."""
        self._gathered.actions.append(action)
        self._decisions[action.step_id] = action

    def set(self, **columns: Any) -> None:
        """Set columns of the run."""
        self._gathered.columns |= columns
        for name, value in columns.items():
            setattr(self.run, name, value)

    def record_event(self, kind: str, **data: Any) -> None:
        """Add an event."""
        self._gathered.events.append(Event(kind, data, actor=self.lease.worker_name))

    # Writing

    def commit_intent(
        self,
        *,
        circuit: tuple[str, str] | None = None,
        tool: Tool | None = None,
        permit: Permit | None = None,
        to: RunStatus | None = None,
        **columns: Any,
    ) -> None:
        """Write everything gathered; from here on the effect may happen.

        `circuit` is the provider and model to ask, `tool` what to call; `permit` is taken with it.
        With `to` the run moves as well, for an effect that happens elsewhere.
        Raises: as `commit`, `check_owner`, `check_roles` and `check_tool`; HeldBackError if the circuit is open;
        BudgetFullError if the call's worst case does not fit into a budget; NoPermitError.
        """
        only = Guard(fence=self.lease.fence, not_cancelled=True, owner_active=True, circuit=circuit)
        if tool:
            only = replace(only, tool=tool.name, roles=tool.roles)
        self._gathered.permit = permit
        self._write(to=to, only=only, tool=tool, **columns)

    def commit(self, *, to: RunStatus | None = None, **columns: Any) -> None:
        """Write everything gathered, if this claim is still the newest; with `to`, move the run as well.

        Raises: LeaseLostError if it is not; CancelRequestedError if the run is to be cancelled (unless it
        ends here anyway, or the call in flight may finish); RuleSpentError if a rule approves no more.
        """
        self._write(to=to, only=Guard(fence=self.lease.fence, not_interrupted=to is None), **columns)

    def write_whole(self, write: Callable[[], None]) -> None:
        """Do a commit, and what must be seen or done with it, in one transaction: all of it again if that breaks.

        Raises: as `commit`.
        """

        def attempt() -> None:
            run, gathered = dict(vars(self.run)), self._gathered.copied()
            try:
                with transaction.atomic():
                    write()
            except (DatabaseError, InterfaceError):
                vars(self.run).update(run)  # rolled back, or nobody knows: as it was, for another try
                self._gathered = gathered
                raise

        commit_with_retry(attempt, self.run, self.lease, emits=True)

    def _write(self, *, only: Guard, to: RunStatus | None = None, tool: Tool | None = None, **columns: Any) -> None:
        before = self.run.status
        rare = self._gathered.needs_transaction

        def write() -> None:
            self.run.status = before  # a try that failed may have moved it in memory
            newest, former = self.run.event_seq, {name: getattr(self.run, name) for name in columns}
            try:
                with transaction.atomic() if rare else nullcontext():
                    self._write_rows(only=only, to=to, **columns)
            except (DatabaseError, InterfaceError, *REFUSALS):
                self.run.event_seq = newest  # rolled back, or nobody knows: `commit_with_retry` looks from here on
                for name, value in (former | {"status": before}).items():
                    setattr(self.run, name, value)
                raise

        try:
            commit_with_retry(write, self.run, self.lease, emits=bool(self._gathered.events))
        except StaleRunError as error:
            self._say_why(error, only, tool)
        except (DatabaseError, *REFUSALS):
            self.take_back_intents()
            raise
        self._gathered.forget()
        fault_point("journal.after")

    def _write_rows(self, *, only: Guard, to: RunStatus | None, **columns: Any) -> None:
        self._gathered.write(self.run, only=only, to=to, **columns)

    def _say_why(self, error: StaleRunError, only: Guard, tool: Tool | None) -> NoReturn:
        """Find out which demand was not met. Raises: as `commit_intent`."""
        mine = Run.objects.filter(pk=self.run.pk, fence=self.lease.fence, status=RunStatus.RUNNING)
        present = mine.select_related("tenant", "requested_by").first()
        if present:
            self.take_back_intents()
            unwanted = only.not_cancelled or (only.not_interrupted and not present.cancel_gently)
            if unwanted and present.cancel_requested_at:
                self.lease.cancel.set()
                raise CancelRequestedError(f"run {self.run.pk}: cancelled") from error
            check_owner(present)
            if only.circuit:
                raise HeldBackError(f"the circuit of {' '.join(only.circuit)} is open") from error
            if tool:
                check_roles(tool, present)
                check_tool(tool.name, present)
        self.lease.lost.set()
        raise LeaseLostError(str(error)) from error

    def take_back_intents(self) -> None:
        """Forget the intents that could not be written: nothing was begun, so nothing is unknown or reserved."""
        for action in self._gathered.take_back_rules():
            del self._decisions[action.step_id]
        self._gathered.take_back_intents()

    # Reading

    def decision_on(self, step: Step) -> PendingAction | None:
        """The newest question to a person about a step, as it stood at the claim.

        What is decided while the run is running is seen by its next claim.
        """
        return self._decisions.get(step.pk)

    @property
    def current_step(self) -> Step | None:
        """The first step that is not done, if any."""
        return next((step for step in self.steps if step.status not in STEP_DONE), None)


def _decisions_on(run: Run) -> dict[UUID, PendingAction]:
    if run.fence <= 1:
        return {}
    return {action.step_id: action for action in run.actions.order_by("requested_at")}


def release_connection() -> None:
    """Give the database connection back before waiting for the network; not inside a transaction.

    SQLite has no server whose connections could run out, and reopening one costs more than the step.
    """
    if connection.vendor != "sqlite" and not connection.in_atomic_block:
        connection.close()
