"""Failures for the tests of dead letters, captured as the engine does, without a run."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

from django.db import transaction

from deadletters.capture import Failure, capture
from deadletters.models import DeadLetter, LetterGroup

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def fail(message: str = "order 5098 is unknown", *, after: timedelta = timedelta(), **known: Any) -> DeadLetter:
    """Capture a failure so long after noon."""
    defaults: dict[str, Any] = {
        "run_id": uuid4(),
        "tenant": "acme",
        "job_type": "refund",
        "arguments": {"text": "hello"},
        "step": 2,
        "step_name": "issue_refund",
        "error_class": "LookupError",
        "traceback": "",
        "attempts": 1,
        "cost_usd": Decimal("0.01"),
        "effects": {"done": [], "unknown": []},
        "failed_at": NOON + after,
    }
    with transaction.atomic():
        return capture(Failure(error_message=message, **(defaults | known)))


def the_group() -> LetterGroup:
    """Read the one group there is."""
    return LetterGroup.objects.get()
