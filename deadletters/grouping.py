"""Group dead letters: failures with the same cause get the same fingerprint, and are counted in one group.

The group's row is locked for the count, so that simultaneous failures are all counted: the second waits for the first.
This comes last in the transaction of the failing run, since all failures of the cause need that row.
"""

import hashlib
import re
from datetime import timedelta

from deadletters.models import DeadLetter, GroupState, LetterGroup

VERSION = 1  # raise it when the rules below change, so that old and new groups are told apart

_UUID = re.compile(r"\b[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\b", re.IGNORECASE)
_LONG_ID = re.compile(r"\b(?=[A-Za-z_]*\d)[A-Za-z0-9_-]{12,}\b")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


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
    cause = {name: getattr(letter, name) for name in ("job_type", "step_name", "error_class")}
    first = {"message": normalise(letter.error_message), "first_seen": letter.failed_at, "last_seen": letter.failed_at}
    groups = LetterGroup.objects.select_for_update(of=("self",))
    group, is_new = groups.get_or_create(fingerprint=letter.fingerprint, defaults={**cause, **first, "count": 1})
    if not is_new:
        group.count += 1
        group.last_seen = max(group.last_seen, letter.failed_at)
        group.state = _next_state(group, letter)
        group.save(update_fields=["count", "last_seen", "state"])
    return group


def _next_state(group: LetterGroup, letter: DeadLetter) -> str:
    """Return what the next dead letter makes of the state of its group, which is locked.

    An ignored group opens again when its time or its rate is exceeded, and for a tenant without a dead letter of it:
    nobody can ignore what happens to others.
    """
    if group.state == GroupState.RESOLVED:
        return GroupState.REGRESSED
    if group.state != GroupState.IGNORED:
        return group.state
    letters, until, rate = DeadLetter.objects.filter(group=group), group.ignored_until, group.ignored_above_per_hour
    is_over = until is not None and until <= letter.failed_at
    if not is_over and rate is not None:
        is_over = letters.filter(failed_at__gt=letter.failed_at - timedelta(hours=1)).count() >= rate
    if is_over or not letters.filter(tenant=letter.tenant).exists():
        return GroupState.OPEN
    return GroupState.IGNORED
