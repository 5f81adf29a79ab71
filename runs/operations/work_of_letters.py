"""The runs behind the dead letters: what that app asks of this one."""

from typing import Any
from uuid import UUID

from deadletters.work import Outcome, Preview
from runs.models import Run
from runs.operations.replay_run import replay_run
from runs.operations.roles import tenants_to_operate
from runs.states import STEP_DONE, Effect, RunStatus, StepStatus

_OUTCOMES = {
    RunStatus.COMPLETED: Outcome.COMPLETED,
    RunStatus.FAILED: Outcome.FAILED,
    RunStatus.CANCELLED: Outcome.CANCELLED,
}


class Runs:
    """Answers for `deadletters.work.Work`."""

    def replay(self, run_id: UUID, user: Any, *, new_input: Any = None, from_step: int | None = None) -> UUID:
        """Continue the failed run, or start a new one; return the id of the run that goes on."""
        return replay_run(run_id, user, new_input=new_input, from_step=from_step)

    def preview(self, run_id: UUID, *, new_input: Any = None, from_step: int | None = None) -> Preview:
        """Say what `replay` would do with the same arguments."""
        run = Run.objects.get(pk=run_id)
        steps = list(run.steps.order_by("seq"))
        effects = [step for step in steps if step.effect not in ("", Effect.READ)]

        def entries(*statuses: str) -> list[dict[str, Any]]:
            found = [step for step in effects if step.status in statuses]
            return [{"seq": s.seq, "tool": s.name, "effect_key": s.effect_key} for s in found]

        return Preview(
            reused=[step.seq for step in steps if step.status in STEP_DONE],
            runs_again=[step.seq for step in steps if step.status not in STEP_DONE],
            effects_done=entries(StepStatus.COMPLETED),
            effects_unknown=entries(StepStatus.UNKNOWN, StepStatus.STARTED),
            refusal="" if run.state == RunStatus.FAILED else f"the run is {run.status}",
        )

    def outcomes(self, run_ids: list[UUID]) -> dict[UUID, Outcome]:
        """Tell what has become of replayed runs."""
        found = Run.objects.filter(pk__in=run_ids).values_list("pk", "status")
        return {pk: _OUTCOMES.get(RunStatus(status), Outcome.OPEN) for pk, status in found}

    def operates_in(self, user: Any) -> list[str] | None:
        """Name the tenants in which the user may replay anybody's runs now; None: in every one."""
        return tenants_to_operate(user)
