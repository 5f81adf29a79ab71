"""The runs of a campaign, drawn from the seed: what is posted, for whom, and how it must end."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from agentops.examples.workload.declaration import NAME
from agentops.lab.chaos.options import Options
from agentops.lab.chaos.scripts import WANTED
from agentops.lab.workload.conversations import Workload

TENANTS = tuple(f"chaos-{number}" for number in range(1, 5))
THRIFTY = TENANTS[:2]  # those with a budget for all their runs together, which is soon full
BUDGET_USD = Decimal("0.25")
_STEPS = 0.2  # share of the runs that are plain jobs
_IN_BATCHES = 8  # every so-many-th run, if it is an agent's, makes its model calls in batches
_POOR = 0.1  # share of the agents with too small a budget, which must ask


@dataclass(frozen=True, slots=True)
class Posting:
    """One run to post."""

    number: int
    tenant: str
    body: dict[str, Any] = field(repr=False)

    @property
    def key(self) -> str:
        """Its Idempotency-Key."""
        return f"chaos-{self.number}"


def postings(options: Options, workload: Workload | None) -> Iterator[Posting]:
    """Draw every run; the same seed draws the same ones."""
    dice = random.Random(f"runs {options.seed}")  # noqa: S311 (a plan, no secret)
    for number in range(options.runs_most):
        body = _recorded(workload, number) if workload else _scripted(dice, number)
        metadata = {"chaos": number, **body.pop("metadata")}
        yield Posting(number, TENANTS[number % len(TENANTS)], body | {"metadata": metadata})


def _scripted(dice: random.Random, number: int) -> dict[str, Any]:
    if dice.random() < _STEPS:
        rounds = dice.randint(1, 2)
        return {"job_type": "chaos_steps", "input": {"rounds": rounds}, "metadata": {"wants": "completed"}}
    variant = dice.choice(list(WANTED))
    body: dict[str, Any] = {
        "job_type": "chaos",
        "input": {"text": f"Run {number}, variant {variant}; go on."},
        "metadata": {"wants": WANTED[variant]},
    }
    if number % _IN_BATCHES == 0:
        body["lane"] = "batch"
    return body | ({"max_cost_usd": "0.05"} if dice.random() < _POOR else {})


def _recorded(workload: Workload, number: int) -> dict[str, Any]:
    conversation = workload.conversations[number % len(workload.conversations)]
    return {
        "job_type": NAME,
        "input": {"text": conversation.first_text, "conversation": conversation.id},
        "metadata": {"wants": "completed"},
    }
