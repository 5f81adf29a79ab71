"""What is left when all is over: the rows and the ledger, as plain data for the verdict."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from uuid import UUID

from django.db.models import Count, Sum

from agentops.lab.chaos.ledger import LedgerEffect, read_effects
from agentops.lab.chaos.operations import name_of
from runs.invariants.every import breaches
from runs.models import ModelCall, ModelCallStatus, Run, Step


@dataclass(frozen=True, slots=True)
class RunSeen:
    """One run: how it ended, and how its script wants it to end."""

    id: UUID
    wants: str
    status: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class StepSeen:
    """One step with an effect class."""

    run: str
    op: str
    effect: str
    status: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything the verdict rests on."""

    posted: Sequence[UUID] = ()
    runs: Sequence[RunSeen] = ()
    steps: Sequence[StepSeen] = ()
    effects: Sequence[LedgerEffect] = ()
    breaches: Sequence[str] = ()
    billed_twice: int = 0
    billed_twice_usd: Decimal = field(default=Decimal(0))


def gather(posted: Sequence[UUID], ledger: Path) -> Evidence:
    """Read all of it. Call it when nothing moves any more."""
    presumed = ModelCall.objects.filter(status=ModelCallStatus.PRESUMED).aggregate(n=Count("pk"), usd=Sum("cost_usd"))
    return Evidence(
        posted=posted,
        runs=[
            RunSeen(pk, metadata.get("wants", "completed"), status, (error or {}).get("type", ""))
            for pk, metadata, status, error in Run.objects.values_list("pk", "metadata", "status", "last_error")
        ],
        steps=[
            StepSeen(str(run), name_of(kind, name, arguments, call), effect, status)
            for run, kind, name, arguments, call, effect, status in Step.objects.exclude(effect="").values_list(
                "run", "kind", "name", "arguments", "tool_use_id", "effect", "status"
            )
        ],
        effects=list(read_effects(ledger)),
        breaches=[str(breach) for breach in breaches()],
        billed_twice=presumed["n"],
        billed_twice_usd=presumed["usd"] or Decimal(0),
    )
