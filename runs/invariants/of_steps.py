"""Invariants of steps: numbered, fenced, done once, answered, decided, paid for."""

import json
from collections import defaultdict
from collections.abc import Iterator

from django.db.models import Count, Exists, F, Max, Min, OuterRef, Q, Sum

from runs.engine.journal import hash_of
from runs.invariants.breach import Breach
from runs.models import ModelCall, ModelCallStatus, PendingAction, Run, Step
from runs.states import ENDED, STEP_DONE, ActionKind, ActionStatus, Effect, RunStatus, StepKind, StepStatus


def fences_and_numbers() -> Iterator[Breach]:
    """I3, I4: no step is newer than its run's claim; steps are numbered from 1 without gaps."""
    for step in Step.objects.filter(fence__gt=F("run__fence")):
        yield Breach(3, str(step.run_id), f"step {step.seq} has fence {step.fence}")
    for row in Step.objects.values("run").annotate(count=Count("pk"), first=Min("seq"), last=Max("seq")):
        if row["first"] != 1 or row["count"] != row["last"]:
            yield Breach(4, str(row["run"]), f"{row['count']} steps from {row['first']} to {row['last']}")


def results_are_whole() -> Iterator[Breach]:
    """I6: a completed step has a result with its hash, and did not end before it began."""
    for step in Step.objects.filter(status=StepStatus.COMPLETED).iterator():
        if step.result_hash and step.result_hash != hash_of(step.result):
            yield Breach(6, str(step.run_id), f"the result of step {step.seq} was changed")
        if step.started_at and step.finished_at and step.finished_at < step.started_at:
            yield Breach(6, str(step.run_id), f"step {step.seq} ended before it began")


def unsafe_effects_once() -> Iterator[Breach]:
    """I7: an unsafe step was tried once, unless a person decided to repeat it."""
    decided = PendingAction.objects.filter(step=OuterRef("pk"), kind=ActionKind.OUTCOME, status=ActionStatus.RESOLVED)
    for step in Step.objects.filter(~Exists(decided), effect=Effect.UNSAFE, attempt__gt=1):
        yield Breach(7, str(step.run_id), f"unsafe step {step.seq} was tried {step.attempt} times unasked")


def unknowns_are_asked_about() -> Iterator[Breach]:
    """I10: an unknown effect has an open action, or its run has ended."""
    asked = PendingAction.objects.filter(step=OuterRef("pk"), kind=ActionKind.OUTCOME, status=ActionStatus.OPEN)
    unknown = Step.objects.filter(~Exists(asked), status=StepStatus.UNKNOWN)
    for step in unknown.exclude(run__status__in=ENDED):
        yield Breach(10, str(step.run_id), f"step {step.seq} is unknown and nobody is asked")


def approvals_bind() -> Iterator[Breach]:
    """I11: a step that asked for approval began only after one for these very arguments."""
    approvals = PendingAction.objects.filter(kind=ActionKind.APPROVAL).select_related("step")
    by_step: dict[Step, list[PendingAction]] = defaultdict(list)
    for action in approvals.filter(step__attempt__gt=0):
        by_step[action.step].append(action)
    for step, actions in by_step.items():
        good = (a for a in actions if a.status == ActionStatus.APPROVED)
        if not any(a.arguments_hash == step.arguments_hash for a in good):
            yield Breach(11, str(step.run_id), f"step {step.seq} began without an approval of its arguments")


def nothing_after_cancel() -> Iterator[Breach]:
    """I13: no step began after its run was cancelled."""
    for step in Step.objects.filter(run__status=RunStatus.CANCELLED, started_at__gt=F("run__finished_at")):
        yield Breach(13, str(step.run_id), f"step {step.seq} began after the end")


def calls_are_answered() -> Iterator[Breach]:
    """I14: each `tool_use` of an answer is one step, and all are done before the model is asked again."""
    runs: dict[object, list[Step]] = defaultdict(list)
    for step in Step.objects.order_by("run", "seq").iterator():
        if runs and step.run_id not in runs:
            yield from _unanswered(runs.popitem()[1])
        runs[step.run_id].append(step)
    for steps in runs.values():
        yield from _unanswered(steps)


def _unanswered(steps: list[Step]) -> Iterator[Breach]:
    wanted: list[str] = []
    turn: list[Step] = []
    for step in steps:
        if step.kind == StepKind.MODEL_CALL:
            if step.status != StepStatus.PLANNED and any(s.status not in STEP_DONE for s in turn):
                yield Breach(14, str(step.run_id), f"step {step.seq} asked the model before all calls were done")
            if wanted:
                yield Breach(14, str(step.run_id), f"no step for {', '.join(wanted)}")
            turn = []
            content = (step.result or {}).get("content", []) if step.status == StepStatus.COMPLETED else []
            wanted = [block["id"] for block in content if block.get("type") == "tool_use"]
        elif step.kind == StepKind.TOOL_CALL:
            turn.append(step)
            if step.tool_use_id not in wanted:
                yield Breach(14, str(step.run_id), f"step {step.seq} answers {json.dumps(step.tool_use_id)}, not asked")
            else:
                wanted.remove(step.tool_use_id)
        if step is steps[-1] and wanted:
            yield Breach(14, str(step.run_id), f"no step for {', '.join(wanted)}")


def money_adds_up() -> Iterator[Breach]:
    """I15: a run cost what its steps cost and what its model calls cost; an ended one has none open."""
    for run in Run.objects.annotate(by_steps=Sum("steps__cost_usd")):
        if (run.by_steps or 0) != run.cost_usd:
            yield Breach(15, str(run.pk), f"cost {run.cost_usd}, its steps {run.by_steps or 0}")
    spent = ModelCall.objects.values("run", "run__cost_usd").annotate(total=Sum("cost_usd"))
    for row in spent:
        if row["total"] != row["run__cost_usd"]:
            yield Breach(15, str(row["run"]), f"cost {row['run__cost_usd']}, its model calls {row['total']}")
    still_open = Q(status=ModelCallStatus.STARTED, run__status__in=ENDED)
    for call in ModelCall.objects.filter(still_open):
        yield Breach(15, str(call.run_id), f"model call {call.pk} holds its reserve after the end")


CHECKS = (
    fences_and_numbers,
    results_are_whole,
    unsafe_effects_once,
    unknowns_are_asked_about,
    approvals_bind,
    nothing_after_cancel,
    calls_are_answered,
    money_adds_up,
)
