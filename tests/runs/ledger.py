"""Rows of the ledger, written without a model."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from runs.models import ModelCall, Run, Step
from runs.models.fields import first_id_at

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def spend(run: Run, at: datetime = NOON, cost: str = "0.10", **columns: Any) -> ModelCall:
    """Write one call of a run, with an id of its time."""
    seq = run.steps.count() + 1
    step = Step.objects.create(run=run, seq=seq, kind="model_call", name="m", status="planned", planned_at=at)
    defaults: dict[str, Any] = {"status": "settled", "model": "claude-sonnet-5-5", "reserved_usd": Decimal(1)}
    return ModelCall.objects.create(
        id=UUID(int=first_id_at(at).int + step.pk.int % 2**70), run=run, step=step, attempt=1, fence=1, max_tokens=9,
        body_hash="0", price_version="1", cost_usd=Decimal(cost), started_at=at, **(defaults | columns),
    )  # fmt: skip
