"""What the holder of a lease has gathered to write: rows, columns and events that one commit writes together."""

from copy import copy
from typing import Any
from uuid import UUID

from runs.engine.approvals.rules import use_rule
from runs.engine.budget_holds import Holds
from runs.engine.rate_limits.permits import Permit
from runs.errors import BudgetFullError, NoPermitError, RuleSpentError
from runs.models import Artifact, BatchedCall, ModelCall, ModelCallStatus, PendingAction, Run, Step
from runs.models.moves import Event, Guard, transition
from runs.models.sql import Increment, RowSet, UpsertTable
from runs.states import ENDED, RunStatus, StepStatus

_STEPS = UpsertTable(
    Step,
    updated=(
        *("status", "attempt", "fence", "effect", "effect_key", "arguments", "arguments_hash", "result", "result_hash"),
        *("error", "deadline_at", "started_at", "finished_at", "cost_usd"),
        *("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens"),
    ),
)
_CALLS = UpsertTable(
    ModelCall,
    updated=(
        *("status", "message_id", "request_id", "stop_reason", "error_type", "error_kind", "finished_at", "cost_usd"),
        *("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "web_searches"),
        *("saved_by_cache_usd", "saved_by_batch_usd"),
    ),
)
REFUSALS = (BudgetFullError, NoPermitError, RuleSpentError)  # what can refuse a commit, which is then rolled back
_INTENTS = ("step.started", "run.waiting_for_batch")


class Gathered:
    """Everything since the last commit. Steps and ledger rows are written in the run's own statement."""

    def __init__(self) -> None:
        self.steps: dict[UUID, Step] = {}
        self.calls: dict[UUID, ModelCall] = {}
        self.batched: dict[UUID, BatchedCall] = {}
        self.artifacts: list[Artifact] = []
        self.actions: list[PendingAction] = []
        self.columns: dict[str, Any] = {}
        self.events: list[Event] = []
        self.holds = Holds()
        self.permit: Permit | None = None  # taken with the intent

    @property
    def needs_transaction(self) -> bool:
        """Say whether the write needs more than the one statement of a step, which is rare."""
        return bool(self.artifacts or self.actions or self.batched or self.holds or self.permit)

    def copied(self) -> "Gathered":
        """Copy the contents, for another try after one that cleared them too early."""
        copied = copy(self)
        for name, things in vars(self).items():
            setattr(copied, name, copy(things))
        return copied

    def add(self, name: str, more: Any) -> None:
        """Add to a column of the run."""
        present = self.columns.get(name)
        self.columns[name] = Increment(more + present.by if present else more)

    def write(self, run: Run, *, only: Guard, to: RunStatus | None, **columns: Any) -> None:
        """Write everything gathered. Raises: as `transition`; BudgetFullError; RuleSpentError; NoPermitError."""
        rows = [RowSet(_STEPS, list(self.steps.values())), RowSet(_CALLS, list(self.calls.values()))]
        # The run's end is its last event, after those of the budgets; their rows are locked after its own.
        keep = 1 if self.holds and to in ENDED else 0
        events, last = self.events[: len(self.events) - keep], self.events[len(self.events) - keep :]
        transition(run, to=to, events=events, rows=rows, only=only, **(self.columns | columns))
        if self.artifacts:
            Artifact.objects.bulk_create(self.artifacts)
        if self.actions:
            self._use_rules()
            PendingAction.objects.bulk_create(self.actions)
        if self.batched:
            batched = list(self.batched.values())
            BatchedCall.objects.bulk_create(
                batched, update_conflicts=True, unique_fields=["call"], update_fields=["result"]
            )
        if self.holds and (late := [*self.holds.write(), *last]):
            transition(run, events=late)
        if self.permit:
            self.permit.take()  # last, so that its locks are held for a moment only

    def _use_rules(self) -> None:
        """Count each use of a rule with the action that records it. Raises: RuleSpentError."""
        for action in self.actions:
            if action.rule and not use_rule(action.rule, action.amount_usd):
                raise RuleSpentError(f"the rule {action.rule_id} holds no more")

    def take_back_intents(self) -> None:
        """Drop the intents that could not be written: nothing was begun, so nothing is unknown or reserved."""
        begun = [step for step in self.steps.values() if step.status == StepStatus.STARTED]
        for step in begun:
            step.status, step.attempt = StepStatus.PLANNED, step.attempt - 1
            if not step.attempt:
                step.started_at = step.deadline_at = None
        places = {step.seq for step in begun}
        self.events = [e for e in self.events if e.kind not in _INTENTS or e.data["step"] not in places]
        self.calls = {pk: call for pk, call in self.calls.items() if call.status != ModelCallStatus.STARTED}
        self.batched = {pk: batched for pk, batched in self.batched.items() if pk in self.calls}
        self.holds.take_back()
        self.permit = None

    def take_back_rules(self) -> list[PendingAction]:
        """Drop and return what a rule was to approve: the rule may no longer be valid at the next commit."""
        refused = [action for action in self.actions if action.rule_id]
        named = {str(action.pk) for action in refused}
        self.actions = [action for action in self.actions if not action.rule_id]
        self.events = [event for event in self.events if event.data.get("action") not in named]
        return refused

    def forget(self) -> None:
        """Clear everything after a successful write."""
        self.steps, self.calls, self.batched = {}, {}, {}
        self.artifacts, self.actions, self.columns, self.events = [], [], {}, []
        self.holds.forget()
        self.permit = None
