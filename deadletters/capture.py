"""Making a dead letter, in the transaction in which its run fails."""

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from deadletters.fingerprint import fingerprint
from deadletters.models import DeadLetter

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Failure:
    """What is known of a failure. Texts are already cleaned of secrets."""

    run_id: UUID
    tenant: str
    job_type: str
    arguments: Any
    step: int | None
    step_name: str
    error_class: str
    error_message: str
    traceback: str
    attempts: int
    cost_usd: Decimal
    effects: Mapping[str, list[Any]]
    failed_at: datetime


def capture(failure: Failure) -> DeadLetter:
    """Store the letter and log one line."""
    texts = {
        "arguments": json.dumps(failure.arguments, ensure_ascii=False),
        "effects": json.dumps(failure.effects, ensure_ascii=False),
        "fingerprint": fingerprint(
            error_class=failure.error_class,
            job_type=failure.job_type,
            step_name=failure.step_name,
            message=failure.error_message,
        ),
    }
    letter = DeadLetter.objects.create(**(asdict(failure) | texts))
    log.error(
        "dead letter %s: run %s (%s) failed at step %s: %s",
        letter.id,
        failure.run_id,
        failure.job_type,
        failure.step,
        failure.error_class,
        extra={"run_id": str(failure.run_id), "fingerprint": letter.fingerprint},
    )
    return letter
