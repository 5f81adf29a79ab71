"""Decide about a cause: resolve, ignore, assign, reopen.

A group holds the dead letters of every tenant that met the cause, so deciding about it needs the role in each of them.
A member of a single tenant can decide only about causes that no other tenant met.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from deadletters.errors import DeadLetterDecidedError
from deadletters.members import check_belongs
from deadletters.models import DeadLetter, GroupState, LetterGroup, record_event
from runs.operations.permissions import check_may_operate_in

_PLAIN = {"ignored_until": None, "ignored_above_per_hour": None, "resolved_at": None, "resolved_by": None}


def resolve(group: LetterGroup, *, user: Any, note: str = "") -> None:
    """Mark the cause as gone: its next dead letter makes the group `regressed`. Existing dead letters stay as they are.

    Raises: DeadLetterDecidedError if it is already resolved; as `_decide`.
    """
    columns = {"state": GroupState.RESOLVED, "resolved_at": Now(), "resolved_by": user}
    _decide(group, user, "resolve", {"note": note}, unless=[GroupState.RESOLVED], **_PLAIN | columns)


def ignore(
    group: LetterGroup,
    *,
    user: Any,
    until: datetime | None = None,
    above_per_hour: int | None = None,
    note: str = "",
) -> None:
    """Stop mails about the cause, until a time, or until more than a number of dead letters arrive within an hour.

    Its dead letters are still stored and counted. At least one end is required, so that nothing is ignored forever.

    Raises: ValueError without an end; DeadLetterDecidedError if it is resolved; as `_decide`.
    """
    if until is None and above_per_hour is None:
        raise ValueError("ignored until when? Name a time or a rate")
    said = {"until": until and until.isoformat(), "above_per_hour": above_per_hour, "note": note}
    columns = {"state": GroupState.IGNORED, "ignored_until": until, "ignored_above_per_hour": above_per_hour}
    _decide(group, user, "ignore", said, unless=[GroupState.RESOLVED], **_PLAIN | columns)


def reopen(group: LetterGroup, *, user: Any, note: str = "") -> None:
    """Reopen a resolved or ignored cause.

    Raises: DeadLetterDecidedError if it is neither; as `_decide`.
    """
    unless = [GroupState.OPEN, GroupState.REGRESSED]
    _decide(group, user, "reopen", {"note": note}, unless=unless, **_PLAIN | {"state": GroupState.OPEN})


def assign_group(group: LetterGroup, *, user: Any, assignee: Any, note: str = "") -> None:
    """Assign the cause to a user who belongs to every tenant that met it.

    Raises: NotAMemberError; as `_decide`.
    """
    check_belongs(assignee, tenants_of(group))
    said = {"assignee": assignee.get_username(), "note": note}
    _decide(group, user, "assign", said, unless=[], assignee=assignee)


def check_may_decide(group: LetterGroup, user: Any) -> None:
    """Refuse a user without the role in every tenant of the group. Raises: NotPermittedError."""
    for tenant in tenants_of(group):
        check_may_operate_in(tenant, user)


def tenants_of(group: LetterGroup) -> list[str]:
    """List the tenants that met the cause."""
    return sorted(DeadLetter.objects.filter(group=group).order_by().values_list("tenant", flat=True).distinct())


def _decide(
    group: LetterGroup, user: Any, verb: str, said: dict[str, Any], *, unless: Collection[GroupState], **columns: Any
) -> None:
    """Write the columns of a decision under the group's lock: no other decision or dead letter interferes.

    Raises: DeadLetterDecidedError if the group is in one of the states `unless`; as `check_may_decide`.
    """
    with transaction.atomic():
        present = LetterGroup.objects.select_for_update(of=("self",)).get(pk=group.pk)
        check_may_decide(present, user)
        if present.state in unless:
            by = present.resolved_by if present.state == GroupState.RESOLVED else None
            resolved = f" by {by.get_username()} at {present.resolved_at:%Y-%m-%d %H:%M:%S} UTC" if by else ""
            raise DeadLetterDecidedError(f"the group is already {present.state}{resolved}")
        note = {"note": said["note"]} if said["note"] else {}
        LetterGroup.objects.filter(pk=group.pk).update(**note, **columns)
        record_event(present, verb, user=user, **said)
    group.refresh_from_db()
