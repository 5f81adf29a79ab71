"""Group dead letters: failures with the same cause get the same fingerprint, and are counted in one group.

The count is one statement, so that simultaneous failures are all counted: the second waits for the row and continues
from the first's result. It comes last in the transaction of the failing run, since it locks a row that all failures of
the cause need.
"""

import hashlib
import re
from datetime import timedelta
from uuid import uuid4

from django.db import connection

from deadletters.models import DeadLetter, LetterGroup

VERSION = 1  # raise it when the rules below change, so that old and new groups are told apart

_UUID = re.compile(r"\b[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\b", re.IGNORECASE)
_LONG_ID = re.compile(r"\b(?=[A-Za-z_]*\d)[A-Za-z0-9_-]{12,}\b")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


_GROUPS, _LETTERS = LetterGroup._meta.db_table, DeadLetter._meta.db_table

# How the next dead letter changes the state. An ignored group opens again when its time or its rate is exceeded, and
# # for a tenant without a dead letter of it: nobody can ignore what happens to others.
_COUNT = f"""
    INSERT INTO "{_GROUPS}" ("id", "fingerprint", "job_type", "step_name", "error_class", "message",
                             "first_seen", "last_seen", "count", "state", "note")
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 1, 'open', '')
    ON CONFLICT ("fingerprint") DO UPDATE SET
        "count" = "{_GROUPS}"."count" + 1,
        "last_seen" = CASE WHEN "{_GROUPS}"."last_seen" < EXCLUDED."last_seen"
                           THEN EXCLUDED."last_seen" ELSE "{_GROUPS}"."last_seen" END,
        "state" = CASE
            WHEN "{_GROUPS}"."state" = 'resolved' THEN 'regressed'
            WHEN "{_GROUPS}"."state" = 'ignored' AND (
                "{_GROUPS}"."ignored_until" <= EXCLUDED."last_seen"
                OR "{_GROUPS}"."ignored_above_per_hour" <= (
                    SELECT COUNT(*) FROM "{_LETTERS}" l WHERE l."group_id" = "{_GROUPS}"."id" AND l."failed_at" > %s)
                OR NOT EXISTS (
                    SELECT 1 FROM "{_LETTERS}" l WHERE l."group_id" = "{_GROUPS}"."id" AND l."tenant" = %s)
            ) THEN 'open'
            ELSE "{_GROUPS}"."state" END
    RETURNING "id", "state"
"""  # noqa: S608 (the names are ours, every value is a parameter)


def normalise(message: str) -> str:
    """Remove ids and numbers from a message."""
    for pattern, name in ((_UUID, "<id>"), (_LONG_ID, "<id>"), (_NUMBER, "<n>")):
        message = pattern.sub(name, message)
    return " ".join(message.split())[:500]


def fingerprint(*, error_class: str, job_type: str, step_name: str, message: str) -> str:
    """Hash the cause: exception class, job type, step or tool, message without ids and numbers."""
    cause = "\x1f".join((error_class, job_type, step_name, normalise(message)))
    return f"v{VERSION}-{hashlib.sha256(cause.encode()).hexdigest()[:24]}"


def record_occurrence(letter: DeadLetter) -> LetterGroup:
    """Find or create the group of a dead letter about to be stored, and count it there; return the group."""
    adapt, key = connection.ops.adapt_datetimefield_value, LetterGroup._meta.pk  # as the ORM does
    at, since = adapt(letter.failed_at), adapt(letter.failed_at - timedelta(hours=1))
    texts = [letter.fingerprint, letter.job_type, letter.step_name, letter.error_class, normalise(letter.error_message)]
    with connection.cursor() as cursor:
        pk = key.get_db_prep_value(uuid4(), connection)
        cursor.execute(_COUNT, [pk, *texts, at, at, since, letter.tenant])
        pk, state = cursor.fetchone()
    return LetterGroup(pk=key.to_python(pk), fingerprint=letter.fingerprint, state=state)
