"""Create a dead letter, in the transaction in which its run fails."""

import json
import logging
from dataclasses import fields

from django.db.models import Max

from deadletters.grouping import fingerprint, record_occurrence
from deadletters.mail import mail_about
from deadletters.models import DeadLetter, DeadLetterStatus
from runs.extensions import Failure

log = logging.getLogger(__name__)


def capture(failure: Failure) -> DeadLetter:
    """Store a dead letter, count it in the group of its cause, log one line, and mail unless mailed recently."""
    columns = {f.name: getattr(failure, f.name) for f in fields(failure) if f.name != "forked_from"}
    columns |= {name: json.dumps(columns[name], ensure_ascii=False) for name in ("arguments", "effects")}
    columns["fingerprint"] = fingerprint(
        error_class=failure.error_class,
        job_type=failure.job_type,
        step_name=failure.step_name,
        message=failure.error_message,
    )
    letter = DeadLetter(**columns, replays=_replays_before(failure))
    letter.group = record_occurrence(letter)
    mail_about(letter)
    letter.save(force_insert=True)
    _log(letter)
    return letter


def _replays_before(failure: Failure) -> int:
    """Count the replays that led here: one more than the replayed dead letter had."""
    led_here = [run for run in (failure.run_id, failure.forked_from) if run]
    replayed = DeadLetter.objects.filter(replayed_as__in=led_here, status=DeadLetterStatus.REPLAYED)
    most: int | None = replayed.aggregate(most=Max("replays"))["most"]
    return 0 if most is None else most + 1


_LOGGED = ("run_id", "tenant", "job_type", "step", "step_name", "error_class", "error_kind", "fingerprint")


def _log(letter: DeadLetter) -> None:
    """Log what identifies the failure, but not its message, which may quote anything."""
    known = {name: getattr(letter, name) for name in _LOGGED} | {"letter": str(letter.id), "run_id": str(letter.run_id)}
    log.error(
        "dead letter %(letter)s: run %(run_id)s of %(tenant)s (%(job_type)s) failed at step %(step)s %(step_name)s: "
        "%(error_class)s (%(error_kind)s), cause %(fingerprint)s",
        known,
        extra=known,
    )
