"""The operator: looks at what is open and decides it over the API, honestly: what has happened, the ledger knows."""

import random
import threading
from collections.abc import Mapping

from agentops.examples.workload.declaration import recorded_results
from agentops.lab.chaos.ledger import find
from agentops.lab.chaos.operations import op_of
from agentops.lab.chaos.seen import seen
from agentops.lab.workload.client import StoppedError, UnreachableError, WorkloadApiError, WorkloadClient
from agentops.lab.workload.conversations import Workload
from runs.clock import Now
from runs.models import PendingAction
from runs.states import ActionKind, ActionStatus, StepKind, StepStatus

_LOOK_EVERY_S = 0.2
_LAPSE = 0.15  # share of approvals that are not decided in time


class Decider(threading.Thread):
    """A thread that decides. It counts what was unknown, and how much of it had happened."""

    def __init__(
        self,
        clients: Mapping[str, WorkloadClient],
        ledger: str,
        stopping: threading.Event,
        *,
        seed: int,
        workload: Workload | None,
    ) -> None:
        super().__init__(name="operator", daemon=True)
        self._clients, self._ledger, self._stopping, self._seed = clients, ledger, stopping, seed
        self._recorded = {one.id: one for one in workload.conversations} if workload else {}
        self._results = recorded_results(workload.folder) if workload else {}
        self.unknown: set[object] = set()
        self.happened: set[object] = set()
        self.lapsed: set[object] = set()
        self.problem: str | None = None

    def run(self) -> None:
        """Decide until told to stop."""
        try:
            while not self._stopping.wait(_LOOK_EVERY_S):
                for action in seen(_open):
                    self._decide(action)
        except StoppedError:
            return
        except Exception as error:  # whatever it is, the campaign must hear of it
            self.problem = f"the operator: {type(error).__name__}: {error}"

    def _decide(self, action: PendingAction) -> None:
        """Decide one action; what cannot be said yet, or did not arrive, is said again at the next look."""
        client = self._clients[action.run.tenant.slug]
        try:
            match ActionKind(action.kind):
                case ActionKind.APPROVAL if self._lets_lapse(action):
                    pass
                case ActionKind.APPROVAL | ActionKind.BUDGET:
                    client.decide(str(action.pk), "approve", {})
                case ActionKind.QUESTION:
                    self._answer(client, action)
                case ActionKind.OUTCOME:
                    self._resolve(client, action)
        except UnreachableError:
            return
        except WorkloadApiError as error:
            if error.status != 409:  # too early, or it has ended meanwhile
                raise

    def _resolve(self, client: WorkloadClient, action: PendingAction) -> None:
        self.unknown.add(action.pk)
        receipt = find(self._ledger, run=str(action.run_id), op=op_of(action.step))
        if receipt is None:
            client.decide(str(action.pk), "resolve", {"outcome": "did_not_happen"})
        else:
            self.happened.add(action.pk)
            # A recorded call has answered what was recorded: with another answer the conversation could not go on.
            result = self._results.get(action.step.tool_use_id, {"receipt": receipt})
            client.decide(str(action.pk), "resolve", {"outcome": "happened", "result": result})

    def _answer(self, client: WorkloadClient, action: PendingAction) -> None:
        conversation = self._recorded.get(action.run.input.get("conversation"))
        if conversation is None:
            client.answer(str(action.run_id), "Yes.", end=False)
            return
        waits = action.run.steps.filter(kind=StepKind.WAIT, status=StepStatus.COMPLETED)
        answer = conversation.answers[seen(waits.count)]
        client.answer(str(action.run_id), answer.text, end=answer.is_last_word)

    def _lets_lapse(self, action: PendingAction) -> bool:
        """Let some approvals expire: their time is moved, since nobody can wait for days."""
        dice = random.Random(f"lapse {self._seed} {action.run.metadata.get('chaos')} {action.step.seq}")  # noqa: S311 (no secret)
        if dice.random() >= _LAPSE:
            return False
        if action.pk not in self.lapsed:
            mine = PendingAction.objects.filter(pk=action.pk, status=ActionStatus.OPEN)
            seen(lambda: mine.update(expires_at=Now()))
            self.lapsed.add(action.pk)
        return True


def _open() -> list[PendingAction]:
    return list(PendingAction.objects.filter(status=ActionStatus.OPEN).select_related("step", "run__tenant"))
