"""The smoke test: post every fate through the API, decide what waits, check the outcome in the database."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from agentops.demo.client import DemoClient
from agentops.demo.fates import FATES, SLOW, Fate
from agentops.stack import Stack
from deadletters.models import DeadLetter
from runs.models import ModelCall, Run, RunEvent, Step, Worker
from runs.states import ENDED, StepStatus

_ENDS_IN_S = 90.0
_LOOK_EVERY_S = 0.2


@dataclass(slots=True)
class PostedJob:
    """One posted run and the findings about it."""

    fate: Fate
    run_id: str
    decided: bool = False
    problems: list[str] = field(default_factory=list)


def smoke(
    stack: Stack, client: DemoClient, operator: DemoClient, *, kill_worker: bool, tell: Callable[[str], None]
) -> list[PostedJob]:
    """Run the smoke test once; return every `PostedJob` with its problems, empty if all is well."""
    killed = _post(client, SLOW) if kill_worker else None
    posted = [_post(client, fate) for fate in FATES]
    if killed:
        _kill_holder(stack, killed, tell)
        posted.append(killed)
    ends_at = time.monotonic() + _ENDS_IN_S
    while time.monotonic() < ends_at and not all(_has_ended(one) for one in posted):
        stack.check()
        for one in posted:
            _decide(client, operator, one)
        time.sleep(_LOOK_EVERY_S)  # workers of other processes move the runs
    for one in posted:
        one.problems += _problems(one)
    if killed:
        killed.problems += _not_rescued(killed)
    return posted


def _post(client: DemoClient, fate: Fate) -> PostedJob:
    return PostedJob(fate, client.post("runs/", {"job_type": fate.job_type, "input": fate.input})["id"])


def _has_ended(posted: PostedJob) -> bool:
    return Run.objects.filter(pk=posted.run_id, status__in=ENDED).exists()


def _decide(client: DemoClient, operator: DemoClient, posted: PostedJob) -> None:
    """Decide the run's open action once, as its fate requires."""
    if posted.decided or not posted.fate.decide:
        return
    actions = client.get(f"runs/{posted.run_id}/")["open_actions"]
    if not actions:
        return
    match posted.fate.decide:
        case "approve":
            operator.post(f"actions/{actions[0]}/approve/")
        case "reject":
            operator.post(f"actions/{actions[0]}/reject/", {"note": "Not this week, please."})
        case "answer":
            client.post(f"runs/{posted.run_id}/messages/", {"text": "Invoice 1007, thank you.", "end": True})
    posted.decided = True


def _kill_holder(stack: Stack, posted: PostedJob, tell: Callable[[str], None]) -> None:
    """Kill -9 the worker that holds the run, in the middle of a started tool call."""
    ends_at = time.monotonic() + 30
    started = Step.objects.filter(run_id=posted.run_id, kind="tool_call", status=StepStatus.STARTED)
    while not started.exists():
        if time.monotonic() > ends_at:
            posted.problems.append("no tool call was started within 30 s")
            return
        time.sleep(0.05)  # another process writes the step
    time.sleep(1.0)  # so that the call is really in flight
    worker = Worker.objects.get(pk=str(Run.objects.get(pk=posted.run_id).worker))
    os.kill(worker.pid, signal.SIGKILL)
    tell(f"killed worker {worker.name} while it held run {posted.run_id[:8]}")
    while not stack.check():
        time.sleep(0.1)  # `check` restarts it once the kill has arrived
    tell("another worker was started in its place")


def _problems(posted: PostedJob) -> list[str]:
    """Check one run in the database."""
    run = Run.objects.get(pk=posted.run_id)
    problems = [] if run.status == posted.fate.ends else [f"is {run.status}, not {posted.fate.ends}"]
    if posted.fate.decide and not posted.decided:
        problems.append("opened no action")
    done = list(
        run.steps.filter(status=StepStatus.COMPLETED, kind="tool_call").values_list("name", flat=True).order_by("seq")
    )
    retried = run.steps.filter(attempt__gt=1).exists()
    if posted.fate.is_retried and not retried:
        problems.append("was never rate-limited")
    problems += [f"has no completed call of {tool}" for tool in posted.fate.steps if tool not in done]
    if run.steps.exclude(status__in=["completed", "failed", "skipped"]).exists():
        problems.append("has a step that never ended")
    spent = sum(call.cost_usd for call in ModelCall.objects.filter(run=run))
    if spent != run.cost_usd:
        problems.append(f"cost {run.cost_usd}, but its model calls cost {spent}")
    letters = DeadLetter.objects.filter(run_id=run.pk).count()
    if letters != (run.status == "failed"):
        problems.append(f"has {letters} dead letters")
    return problems


def _not_rescued(posted: PostedJob) -> list[str]:
    rescued = RunEvent.objects.filter(run_id=posted.run_id, kind="run.rescued").exists()
    return [] if rescued else ["was not rescued from its killed worker"]


def row(posted: PostedJob) -> dict[str, Any]:
    """Return the run's row of the report."""
    run = Run.objects.get(pk=posted.run_id)
    return {
        "run": posted.run_id,
        "title": posted.fate.title,
        "job_type": run.job_type,
        "status": run.status,
        "steps": run.steps.count(),
        "claims": run.fence,
        "cost_usd": f"{run.cost_usd.normalize():f}",
        "problems": posted.problems,
    }
