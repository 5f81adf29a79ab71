"""Making a dead letter, in the transaction in which its run fails."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Max

from deadletters.fingerprint import fingerprint
from deadletters.mail import mail_about
from deadletters.models import DeadLetter, LetterStatus
from deadletters.seen import count_in_group

log = logging.getLogger(__name__)

_AS_JSON = ("arguments", "effects")
_NOT_KEPT = ("forked_from",)


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
    attempt: int = 0  # tries of the step that failed
    version: str = ""  # which definition the run had
    error_kind: str = ""  # what the classifier said of the error
    forked_from: UUID | None = None  # the run that this one was forked from


def capture(failure: Failure) -> DeadLetter:
    """Store the letter, count it in the group of its cause, log one line and mail, unless one was mailed just now."""
    letter = DeadLetter(**_columns(failure), replays=_replays_before(failure))
    letter.group = count_in_group(letter)
    mail_about(letter)
    letter.save(force_insert=True)
    _log(letter)
    return letter


def _columns(failure: Failure) -> dict[str, Any]:
    columns = {f.name: getattr(failure, f.name) for f in fields(failure) if f.name not in _NOT_KEPT}
    columns |= {name: json.dumps(columns[name], ensure_ascii=False) for name in _AS_JSON}
    columns["fingerprint"] = fingerprint(
        error_class=failure.error_class,
        job_type=failure.job_type,
        step_name=failure.step_name,
        message=failure.error_message,
    )
    return columns


def _replays_before(failure: Failure) -> int:
    """Count the replays that led here: one more than the letter had whose replay this run is."""
    led_here = [run for run in (failure.run_id, failure.forked_from) if run]
    replayed = DeadLetter.objects.filter(replayed_as__in=led_here, status=LetterStatus.REPLAYED)
    most: int | None = replayed.aggregate(most=Max("replays"))["most"]
    return 0 if most is None else most + 1


def _log(letter: DeadLetter) -> None:
    """Log what tells the failure from others. Not its message: that one may quote anything."""
    known = {
        "letter": str(letter.id),
        "run_id": str(letter.run_id),
        "tenant": letter.tenant,
        "job_type": letter.job_type,
        "step": letter.step,
        "step_name": letter.step_name,
        "error_class": letter.error_class,
        "error_kind": letter.error_kind,
        "fingerprint": letter.fingerprint,
    }
    log.error(
        "dead letter %(letter)s: run %(run_id)s of %(tenant)s (%(job_type)s) failed at step %(step)s %(step_name)s: "
        "%(error_class)s (%(error_kind)s), cause %(fingerprint)s",
        known,
        extra=known,
    )
