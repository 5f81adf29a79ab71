"""The report of a replay: numbers, findings, and whether it was clean."""

from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

from agentops.lab.workload.compare import Comparison, compare
from agentops.lab.workload.conversations import Workload
from agentops.lab.workload.findings import REQUESTS, WorkloadFinding
from agentops.lab.workload.play import Played
from agentops.lab.workload.request_log import ReceivedRequests
from agentops.lab.workload.tally import Tally, done, recorded
from runs.states import Lane


@dataclass(slots=True)
class WorkloadReport:
    """What a replay did, beside what was recorded."""

    workload: str
    label: str
    workers: int
    lane: Lane
    conversations: int
    expected: Tally
    done: Tally = field(default_factory=Tally)
    completed: int = 0
    requests: int = 0
    played_s: float = 0.0
    compared_s: float = 0.0
    cost_usd: Decimal = Decimal(0)
    restarted: list[str] = field(default_factory=list)
    incomplete: list[Played] = field(default_factory=list)
    needs_person: list[Played] = field(default_factory=list)
    comparison: Comparison = field(default_factory=Comparison)

    @property
    def is_clean(self) -> bool:
        """Whether everything that was recorded happened, once, exactly so, and nothing else."""
        return self.completed == self.conversations and not self.comparison.differences and self.done == self.expected

    def as_json(self) -> dict[str, Any]:
        """Write the report as a JSON value; times in seconds, money as a decimal string."""
        return {
            "clean": self.is_clean,
            "workload": self.workload,
            "label": self.label,
            "workers": self.workers,
            "lane": self.lane,
            "conversations": self.conversations,
            "completed": self.completed,
            "recorded": _counts(self.expected),
            "replayed": _counts(self.done),
            "missing": self.done.missing,
            "twice": self.done.twice,
            "requests": self.requests,
            "differences": [asdict(finding) for finding in self.comparison.differences],
            "notes": [asdict(finding) for finding in self.comparison.notes],
            "incomplete": [_brief(played) for played in self.incomplete],
            "needs_person": [_brief(played) for played in self.needs_person],
            "restarted": self.restarted,
            "played_s": round(self.played_s, 1),
            "compared_s": round(self.compared_s, 1),
            "cost_usd": f"{self.cost_usd.normalize():f}",
        }


def make_report(
    workload: Workload,
    played: list[Played],
    log: ReceivedRequests,
    *,
    label: str,
    workers: int,
    lane: Lane = Lane.STANDARD,
) -> WorkloadReport:
    """Count, and compare the three sources of every conversation that was played to its end."""
    report = WorkloadReport(
        workload=str(workload.folder),
        label=label,
        workers=workers,
        lane=lane,
        conversations=len(workload.conversations),
        expected=sum(map(recorded, workload.conversations), Tally()),
        requests=log.total,
    )
    for conversation, one in zip(workload.conversations, played, strict=True):
        report.done += done(conversation, one.steps)
        report.cost_usd += Decimal(one.run.get("cost_usd", "0"))
        if one.completed:
            report.completed += 1
            compared = compare(workload, conversation, one.steps, log.requests(conversation.id))
            report.comparison.differences += compared.differences
            report.comparison.notes += compared.notes
        else:
            (report.needs_person if one.needs_person else report.incomplete).append(one)
    for stranger in sorted(log.conversations - {conversation.id for conversation in workload.conversations}):
        finding = WorkloadFinding(stranger, REQUESTS, 0, "requests for a conversation that was not played")
        report.comparison.differences.append(finding)
    return report


def _counts(tally: Tally) -> dict[str, int]:
    return {name: getattr(tally, name) for name in ("model_turns", "closing_turns", "tool_calls")}


def _brief(played: Played) -> dict[str, Any]:
    return {
        "conversation": played.conversation,
        "tenant": played.tenant,
        "run": played.run_id,
        "why": played.problem,
    }
