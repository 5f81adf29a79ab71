"""Rows of the console's Limits: what holds runs back, how fast a provider is asked, what money may be spent."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from runs.models import (
    BatchedCall,
    Budget,
    CircuitBreaker,
    Limit,
    MessageBatch,
    ModelCall,
    Pause,
    RateLimit,
    Run,
    Step,
    Tenant,
)
from runs.models.budget import BudgetPeriod
from tests.runs.admin.rows import HOSTILE, make_price, make_run


def make_limits(tenant: Tenant, other: Tenant, user: Any) -> dict[str, Any]:
    """One of each, hostile words in all. Returns the rows by name."""
    now = timezone.now()
    Limit.objects.create(kind="rate", most=50, per_s=60, queue="batch", is_active=False, updated_by=user)
    Pause.objects.create(
        queue="batch", reason="Nightly import.", paused_by=user, paused_at=now - timedelta(hours=9), ended_by=user,
        ended_at=now - timedelta(hours=8),
    )  # fmt: skip
    return {
        "limit": Limit.objects.create(most=3, queue="agents", tenant=tenant, note=HOSTILE, updated_by=user),
        "pause": Pause.objects.create(
            model="claude-sonnet-5-5", reason=HOSTILE, paused_by=user, paused_at=now, until=now + timedelta(hours=1)
        ),
        "backlog": Limit.objects.create(
            kind="backlog", queue="agents", tenant=other, most=5, note=HOSTILE, updated_by=user
        ),
        "budget": make_budget(tenant),
        "price": make_price(note=HOSTILE, created_by=user),
        "ratelimit": RateLimit.objects.create(
            model_class="claude-sonnet-5", requests_per_minute=50, input_tokens_per_minute=40_000, note=HOSTILE
        ),
        "circuit breaker": CircuitBreaker.objects.create(
            provider="anthropic",
            model="claude-sonnet-5-5",
            open_reason="rate",
            opened_at=now,
            times_opened=2,
            open_until=now + timedelta(seconds=20),
            reason=f"429 {HOSTILE}",
        ),
        "batch": make_batch(make_run(tenant, user, lane="batch")),
    }


def make_budget(tenant: Tenant) -> Budget:
    """A day's money, most of it spent."""
    budget = Budget.objects.create(tenant=tenant, limit_usd=9, period="day", note=HOSTILE)
    BudgetPeriod.objects.create(
        budget=budget, starts_on=timezone.now().date(), spent_usd=Decimal("7.41"), reserved_usd=Decimal("0.62")
    )
    return budget


def make_batch(run: Run) -> MessageBatch:
    """A batch at the provider, with one call of this run in it."""
    batch = MessageBatch.objects.create(
        provider_id="msgbatch_1", status="in_progress", requests=2, error="APIConnectionError: <b>away</b>",
        created_at=timezone.now(), next_look_at=timezone.now(),
    )  # fmt: skip
    call_in(batch, run)
    return batch


def call_in(batch: MessageBatch, run: Run) -> None:
    """Lay a call of this run into a batch."""
    step = Step.objects.create(run=run, seq=99, kind="model_call", name="m", status="started")
    call = ModelCall.objects.create(
        run=run, step=step, attempt=1, fence=1, model="m", tier="batch", max_tokens=1, reserved_usd=0,
        price_version="p", started_at=timezone.now(),
    )  # fmt: skip
    BatchedCall.objects.create(call=call, batch=batch, body="{}", size=2, created_at=timezone.now())
