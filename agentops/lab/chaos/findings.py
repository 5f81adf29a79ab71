"""The verdict: what was lost, what happened twice, what is missing. Pure."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from agentops.lab.chaos.evidence import Evidence
from runs.states import ENDED, Effect, RunStatus, StepStatus

COUNTED = (Effect.IDEMPOTENT, Effect.VERIFIABLE, Effect.UNSAFE)  # what only reads may be repeated
_WITHOUT_EFFECT = (StepStatus.PLANNED, StepStatus.SKIPPED)


@dataclass(slots=True)
class CampaignFindings:
    """The findings; each list names rows, none if all is well."""

    lost: list[str] = field(default_factory=list)
    duplicated: Counter[str] = field(default_factory=Counter)
    missing: list[str] = field(default_factory=list)
    unrecorded: list[str] = field(default_factory=list)
    repeats: list[str] = field(default_factory=list)
    reads_repeated: int = 0

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found."""
        return not (self.lost or self.missing or self.unrecorded or self.duplicated.total())


def judge(evidence: Evidence) -> CampaignFindings:
    """Hold ledger, steps and runs against each other."""
    verdict = CampaignFindings(lost=list(_lost(evidence)))
    made = Counter((effect.run, effect.op, effect.effect) for effect in evidence.effects)
    for (run, op, effect), times in made.items():
        if effect in COUNTED and times > 1:
            verdict.duplicated[effect] += times - 1
            verdict.repeats.append(f"run {run}: {effect} {op} happened {times} times")
        elif times > 1:
            verdict.reads_repeated += times - 1
    verdict.missing = list(_missing(evidence))
    verdict.unrecorded = list(_unrecorded(evidence))
    return verdict


def _lost(evidence: Evidence) -> Iterator[str]:
    """Runs that are gone, that never ended, or that ended as their script does not want."""
    known = {run.id for run in evidence.runs}
    for posted in evidence.posted:
        if posted not in known:
            yield f"run {posted} was accepted and is gone"
    for run in evidence.runs:
        if run.status not in ENDED and run.status != RunStatus.FAILED:
            yield f"run {run.id} is still {run.status}"
        elif run.status != run.wants:
            yield f"run {run.id} is {run.status} {run.error}".rstrip() + f", not {run.wants}"


def _missing(evidence: Evidence) -> Iterator[str]:
    """Steps that are completed although nothing happened."""
    happened = {(effect.run, effect.op) for effect in evidence.effects}
    for step in evidence.steps:
        is_counted = step.effect in COUNTED and step.status == StepStatus.COMPLETED
        if is_counted and (step.run, step.op) not in happened:
            yield f"run {step.run}: {step.effect} {step.op} is completed, but has not happened"


def _unrecorded(evidence: Evidence) -> Iterator[str]:
    """Effects that happened although no step was ever begun for them."""
    begun = {(step.run, step.op) for step in evidence.steps if step.status not in _WITHOUT_EFFECT}
    for run, op, effect in {(effect.run, effect.op, effect.effect) for effect in evidence.effects}:
        if effect in COUNTED and (run, op) not in begun:
            yield f"run {run}: {effect} {op} has happened, but no step says so"
