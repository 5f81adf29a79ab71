"""Comparing three sources of one conversation turn by turn: the folder, the steps, the requests. Pure."""

from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

from agentops.lab.workload.compare_requests import compare_requests
from agentops.lab.workload.compare_steps import compare_steps
from agentops.lab.workload.conversations import Conversation, Workload
from agentops.lab.workload.findings import STEPS, Findings, Received, WorkloadFinding, by_kind

Json = dict[str, Any]


@dataclass(slots=True)
class Comparison:
    """What the three sources of a conversation disagree about."""

    differences: list[WorkloadFinding] = field(default_factory=list)
    notes: list[WorkloadFinding] = field(default_factory=list)

    def add(self, findings: Findings) -> None:
        """Take over the findings about one source."""
        self.differences += findings.differences
        self.notes += findings.notes


def compare(workload: Workload, conversation: Conversation, steps: list[Json], requests: list[Received]) -> Comparison:
    """Hold the steps and the received requests of a completed run against the recorded conversation.

    Shape: `steps` as `…/steps/` gives them, `requests` in the order in which they were received.
    """
    comparison = Comparison()
    comparison.add(compare_steps(workload, conversation, steps))
    comparison.add(compare_requests(workload, conversation, requests))
    comparison.add(_compare_with_each_other(conversation, steps, requests))
    return comparison


def _compare_with_each_other(conversation: Conversation, steps: list[Json], requests: list[Received]) -> Findings:
    """Check what the folder does not know: model, message id and number of tries of each answer."""
    findings = Findings(conversation.id, STEPS)
    asked: dict[int, list[Received]] = {}
    for request in requests:
        asked.setdefault(request.model_turns, []).append(request)
    calls = list(by_kind(steps, "model_call"))
    for number, (turn, step) in enumerate(zip_longest(conversation.model_turns, calls)):
        if turn is None or step is None:
            break  # reported as missing or too many already
        tries = asked.get(number, [])
        answered = [request for request in tries if request.answered]
        if not answered:
            continue  # reported as a missing request already
        last = answered[-1]
        findings.expect(turn.turn, "model", last.body.get("model"), step.get("name"))
        findings.expect(turn.turn, "message id", last.message_id, (step.get("result") or {}).get("message_id"))
        if len(tries) > step.get("attempt", 0):
            findings.differs(turn.turn, f"the model was asked {len(tries)} times, the step says {step.get('attempt')}")
    return findings
