"""The journal: what the holder of a lease writes, with as few commits as safety allows.

Changes are gathered and written by `commit`, in one transaction that first checks the fence. The loop
commits right before each effect, so the result of one step and the intent of the next share a commit.
"""

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F

from runs.conf import conf
from runs.engine.lease import CancelRequestedError, Lease, LeaseLostError
from runs.errors import StaleRunError
from runs.fault_points import fault_point
from runs.hostile import clean
from runs.models import Artifact, ModelCall, ModelCallStatus, PendingAction, Run, Step
from runs.models.fields import dump_json
from runs.models.moves import Event, change
from runs.secrets import redact_all
from runs.states import STEP_DONE, ActionKind, Effect, RunStatus, StepKind, StepStatus

_STEP_COLUMNS = [
    "status",
    "attempt",
    "fence",
    "effect",
    "effect_key",
    "arguments",
    "arguments_hash",
    "result",
    "result_hash",
    "error",
    "deadline_at",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "cost_usd",
    "started_at",
    "finished_at",
]


def hash_of(value: Any) -> str:
    """Hash a JSON value as it is stored."""
    return hashlib.sha256(dump_json(value).encode()).hexdigest()


class Journal:
    """The steps of one claimed run, and what is to be written about them."""

    def __init__(self, run: Run, lease: Lease) -> None:
        self.run = run
        self.lease = lease
        self.steps: list[Step] = list(run.steps.order_by("seq"))
        self._planned: list[Step] = []
        self._changed: dict[UUID, Step] = {}
        self._intents: set[UUID] = set()
        self._calls: dict[UUID, ModelCall] = {}
        self._artifacts: list[Artifact] = []
        self._actions: list[PendingAction] = []
        self._columns: dict[str, Any] = {}
        self._events: list[Event] = []

    # Steps

    def plan(self, kind: StepKind, name: str, **columns: Any) -> Step:
        """Add the next step, planned."""
        step = Step(
            run=self.run,
            seq=len(self.steps) + 1,
            kind=kind,
            name=name[:200],
            status=StepStatus.PLANNED,
            **columns,
        )
        self.steps.append(step)
        self._planned.append(step)
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
        self._intents.add(step.pk)
        self._touch(step, "step.started", attempt=step.attempt)

    def key(self, step: Step) -> str | None:
        """Give a step with an effect its key, which stays the same over all tries."""
        if step.effect and step.effect != Effect.READ:
            step.effect_key = step.effect_key or f"{self.run.pk.hex}-{step.seq}"
        return step.effect_key

    def complete(self, step: Step, result: Any) -> None:
        """Record a result: progress, which zeroes the counters of failure."""
        step.result = redact_all(clean(result))
        step.result_hash = hash_of(step.result)
        self._finish(step, StepStatus.COMPLETED)

    def fail(self, step: Step, *, kind: str, message: str, result: Any = None) -> None:
        """Record that a step ended with an error; `result` is what the model is told, if anything."""
        step.error = redact_all(clean({"type": kind, "message": message}))
        step.result = redact_all(clean(result))
        self._finish(step, StepStatus.FAILED, error=kind)

    def put_back(self, step: Step, *, kind: str, message: str) -> None:
        """Plan a step again after a try that failed in passing or was lost."""
        step.status = StepStatus.PLANNED
        step.error = redact_all(clean({"type": kind, "message": message}))
        self._touch(step, "step.put_back", error=kind)

    def take_back(self, step: Step, *, kind: str, message: str) -> bool:
        """Plan a step again whose intent no commit has written: nothing was sent. False if one has."""
        if step.pk not in self._intents:
            return False
        if step.kind == StepKind.MODEL_CALL:
            for call in self._calls.values():  # its row keeps the number of this try
                if call.step_id == step.pk and call.status == ModelCallStatus.STARTED:
                    call.status, call.error_type, call.finished_at = ModelCallStatus.RELEASED, kind, self.lease.now()
        else:
            step.attempt -= 1
        self.put_back(step, kind=kind, message=message)
        return True

    def mark_unknown(self, step: Step, *, kind: str, message: str) -> None:
        """Record that an effect may or may not have happened."""
        step.status = StepStatus.UNKNOWN
        step.error = redact_all(clean({"type": kind, "message": message}))
        self._touch(step, "step.unknown", error=kind)

    def keep(self, step: Step) -> None:
        """Write other columns of a step that the caller has set."""
        self._changed[step.pk] = step

    def _finish(self, step: Step, status: StepStatus, **data: Any) -> None:
        step.status = status
        step.finished_at = self.lease.now()
        self._touch(step, f"step.{status}", **data)
        if self.run.attempts or self.run.crashes:
            self.set(attempts=0, crashes=0)

    def _touch(self, step: Step, kind: str, **data: Any) -> None:
        self._changed[step.pk] = step
        self.tell(kind, step=step.seq, name=step.name, **data)

    # What goes with them

    def record_call(self, call: ModelCall) -> None:
        """Write this row of the ledger, new or changed, with the next commit."""
        self._calls[call.pk] = call

    def has_recorded(self, call: ModelCall) -> bool:
        """Say whether the next commit writes this row anyway."""
        return call.pk in self._calls

    def spend(self, *, usage: Mapping[str, int], cost_usd: Decimal) -> None:
        """Add tokens and money to the run."""
        for name, tokens in usage.items():
            self._columns[name] = self._columns.get(name, F(name)) + tokens
            setattr(self.run, name, getattr(self.run, name) + tokens)
        self._columns["cost_usd"] = self._columns.get("cost_usd", F("cost_usd")) + cost_usd
        self.run.cost_usd += cost_usd

    def attach(self, artifact: Artifact) -> None:
        """Store an artifact with the next commit."""
        self._artifacts.append(artifact)

    def open_action(self, step: Step, kind: ActionKind, *, reason: str, arguments: Any = None) -> PendingAction:
        """Ask a person. The run waits, but other calls of the turn go on."""
        expires_at = None  # an unknown outcome stays unknown, however long nobody looks
        if kind != ActionKind.OUTCOME:
            expires_at = self.lease.now() + timedelta(seconds=conf().action_expires_s)
        action = PendingAction(
            tenant_id=self.run.tenant_id,
            run=self.run,
            step=step,
            kind=kind,
            tool=step.name if step.kind == StepKind.TOOL_CALL else "",
            arguments=step.arguments if arguments is None else arguments,
            arguments_hash=hash_of(step.arguments if arguments is None else arguments),
            effect=step.effect,
            effect_key=step.effect_key or "",
            reason=reason,
            requested_at=self.lease.now(),
            expires_at=expires_at,
        )
        self._actions.append(action)
        self.tell("action.opened", action=str(action.pk), action_kind=str(kind), step=step.seq, reason=reason)
        return action

    def set(self, **columns: Any) -> None:
        """Set columns of the run."""
        self._columns |= columns
        for name, value in columns.items():
            setattr(self.run, name, value)

    def tell(self, kind: str, **data: Any) -> None:
        """Add an event."""
        self._events.append(Event(kind, data, actor=self.lease.worker_name))

    # Writing

    def commit(self, *, to: RunStatus | None = None, **columns: Any) -> None:
        """Write everything gathered, if this claim is still the newest; with `to`, move the run as well.

        Raises: LeaseLostError if it is not; CancelRequestedError if the run is to be cancelled (unless it
        ends here anyway).
        """
        only_if = None if to else {"cancel_requested_at": None}
        try:
            with transaction.atomic():
                change(
                    self.run,
                    to=to,
                    events=self._events,
                    if_fence=self.lease.fence,
                    only_if=only_if,
                    **(self._columns | columns),
                )
                self._write_rows()
        except StaleRunError as error:
            if not to and self._cancel_requested():
                self.lease.cancel.set()
                raise CancelRequestedError(f"run {self.run.pk}: cancelled") from error
            self.lease.lost.set()
            raise LeaseLostError(str(error)) from error
        self._forget()
        fault_point("journal.after")

    def _write_rows(self) -> None:
        if self._planned:
            Step.objects.bulk_create(self._planned)
        planned = {step.pk for step in self._planned}
        for step in self._changed.values():
            if step.pk not in planned:
                Step.objects.filter(pk=step.pk).update(**{name: getattr(step, name) for name in _STEP_COLUMNS})
        for call in self._calls.values():
            call.save()
        if self._artifacts:
            Artifact.objects.bulk_create(self._artifacts)
        if self._actions:
            PendingAction.objects.bulk_create(self._actions)

    def _cancel_requested(self) -> bool:
        return Run.objects.filter(
            pk=self.run.pk,
            fence=self.lease.fence,
            status=RunStatus.RUNNING,
            cancel_requested_at__isnull=False,
        ).exists()

    def _forget(self) -> None:
        self._planned, self._changed, self._calls, self._intents = [], {}, {}, set()
        self._artifacts, self._actions, self._columns, self._events = [], [], {}, []

    # Reading

    @property
    def current_step(self) -> Step | None:
        """The first step that is not done, if any."""
        return next((step for step in self.steps if step.status not in STEP_DONE), None)


def release_connection() -> None:
    """Give the database connection back before waiting for the network; not inside a transaction."""
    if not connection.in_atomic_block:
        connection.close()
