"""Making a dead letter, in the transaction in which its run fails."""

import json
import logging
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from deadletters.fingerprint import fingerprint
from deadletters.models import DeadLetter

log = logging.getLogger(__name__)


def capture(
    *,
    run_id: UUID,
    tenant: str,
    job_type: str,
    arguments: Any,
    step: int | None,
    step_name: str,
    error_class: str,
    error_message: str,
    traceback: str,
    attempts: int,
    cost_usd: Decimal,
    effects: Mapping[str, list[Any]],
    failed_at: datetime,
) -> DeadLetter:
    """Store the letter and log one line. Texts arrive already cleaned of secrets."""
    letter = DeadLetter.objects.create(
        run_id=run_id,
        tenant=tenant,
        job_type=job_type,
        arguments=json.dumps(arguments, ensure_ascii=False),
        step=step,
        step_name=step_name,
        error_class=error_class,
        error_message=error_message,
        traceback=traceback,
        attempts=attempts,
        cost_usd=cost_usd,
        effects=json.dumps(effects, ensure_ascii=False),
        fingerprint=fingerprint(
            error_class=error_class, job_type=job_type, step_name=step_name, message=error_message
        ),
        failed_at=failed_at,
    )
    log.error(
        "dead letter %s: run %s (%s) failed at step %s: %s",
        letter.id,
        run_id,
        job_type,
        step,
        error_class,
        extra={"run_id": str(run_id), "fingerprint": letter.fingerprint},
    )
    return letter
