"""The runs behind the dead letters: what that app asks of this one."""

from typing import Any
from uuid import UUID

from deadletters.work import Outcome, Preview
from runs.models import Run
from runs.operations.preview_replay import preview_replay
from runs.operations.replay_run import replay_run
from runs.operations.roles import tenants_to_operate
from runs.states import RunStatus

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
        return preview_replay(run_id, new_input=new_input, from_step=from_step)

    def outcomes(self, run_ids: list[UUID]) -> dict[UUID, Outcome]:
        """Tell what has become of replayed runs."""
        found = Run.objects.filter(pk__in=run_ids).values_list("pk", "status")
        return {pk: _OUTCOMES.get(RunStatus(status), Outcome.OPEN) for pk, status in found}

    def operates_in(self, user: Any) -> list[str] | None:
        """Name the tenants in which the user may replay anybody's runs now; None: in every one."""
        return tenants_to_operate(user)
