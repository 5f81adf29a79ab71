"""Planning a redrive: which letters it would send, which not and why, and what it may cost. Nothing is sent."""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from deadletters.errors import NoLettersError
from deadletters.models import DeadLetter, ItemState, Redrive, RedriveEvent, RedriveItem, RedriveStatus
from deadletters.models.redrive import actor_of
from deadletters.redrive.exclusions import (
    AFTER_A_LOOK,
    BEFORE_A_LOOK,
    ELSEWHERE,
    ENDED_BEFORE,
    Candidate,
    exclusion_of,
)
from deadletters.redrive.selection import Selection
from deadletters.redrive.terms import LETTERS_MAX, Terms
from deadletters.work import Preview, work

PLAN_KEEPS = timedelta(days=1)  # a plan that nobody starts must not withhold its letters from others for ever
_TRIES = 3


@dataclass(frozen=True, slots=True)
class _Judged:
    letter: DeadLetter
    reason: str  # empty: it is to be sent
    cost_usd: Decimal = Decimal(0)


def plan(letters: QuerySet[DeadLetter], selection: Selection, *, user: Any, terms: Terms | None = None) -> Redrive:
    """Store what a redrive would do: its row, and an item for each letter.

    `letters` are those that the user may see; the redrive will replay in the user's name.
    Raises: NoLettersError if none matches; NotReplayableError.
    """
    wanted = selection.of(letters)
    found = list(wanted[:LETTERS_MAX])
    if not found:
        raise NoLettersError("no dead letter matches; see /api/v1/dead-letters/ or the list in the console")
    left_out = wanted.count() - len(found) if len(found) == LETTERS_MAX else 0
    tenants = work().operates_in(user)
    # Looked at before the transaction: hundreds of previews must not hold up every other writer.
    judged = [_judge(letter, tenants) for letter in found]
    for tries_left in reversed(range(_TRIES)):
        try:
            return _store(judged, selection, terms or Terms(), user=user, left_out=left_out)
        except IntegrityError:  # somebody else has planned some of these letters meanwhile
            if not tries_left:
                raise
    raise AssertionError("unreachable")


def _judge(letter: DeadLetter, tenants: Collection[str] | None) -> _Judged:
    if reason := exclusion_of(Candidate(letter, tenants), BEFORE_A_LOOK):
        return _Judged(letter, reason)
    preview = _preview_of(letter)
    reason = exclusion_of(Candidate(letter, tenants, preview), AFTER_A_LOOK)
    return _Judged(letter, reason, preview.estimated_cost_usd if preview and not reason else Decimal(0))


def _preview_of(letter: DeadLetter) -> Preview | None:
    try:
        return work().preview(letter.run_id)
    except ObjectDoesNotExist:
        return None


@transaction.atomic
def _store(judged: list[_Judged], selection: Selection, terms: Terms, *, user: Any, left_out: int) -> Redrive:
    _drop_stale_plans()
    judged = _without_those_of_others(judged)
    slugs = {one.letter.tenant for one in judged}
    redrive = Redrive.objects.create(
        tenant=slugs.pop() if len(slugs) == 1 else "",
        selection=selection.as_json(),
        **asdict(terms),
        total=len(judged),
        left_out=left_out,
        excluded=sum(1 for one in judged if one.reason),
        estimated_cost_usd=sum((one.cost_usd for one in judged), Decimal(0)),
        planned_by_id=user.pk,
        planned_at=Now(),
        changed_by_id=user.pk,
        changed_at=Now(),
    )
    RedriveItem.objects.bulk_create(_items(redrive, judged), batch_size=500)
    redrive.events.create(at=Now(), actor=actor_of(user), verb="plan")
    redrive.refresh_from_db()
    return redrive


def _items(redrive: Redrive, judged: list[_Judged]) -> list[RedriveItem]:
    return [
        RedriveItem(
            redrive=redrive,
            letter=one.letter,
            place=place,
            state=ItemState.EXCLUDED if one.reason else ItemState.PENDING,
            reason=one.reason[:300],
        )
        for place, one in enumerate(judged, start=1)
    ]


def _without_those_of_others(judged: list[_Judged]) -> list[_Judged]:
    """Exclude letters that another live redrive is to send. The database refuses those that come in between."""
    ids = [one.letter.pk for one in judged if not one.reason]
    taken = set(RedriveItem.objects.filter(letter__in=ids, state=ItemState.PENDING).values_list("letter_id", flat=True))
    return [_Judged(one.letter, ELSEWHERE) if one.letter.pk in taken else one for one in judged]


def _drop_stale_plans() -> None:
    """Abort plans that nobody has started for a day."""
    stale = Redrive.objects.filter(status=RedriveStatus.PLANNED, planned_at__lt=Now() - PLAN_KEEPS)
    for pk in list(stale.select_for_update(skip_locked=True).values_list("pk", flat=True)):
        note = "nobody started it within a day"
        left = RedriveItem.objects.filter(redrive_id=pk, state=ItemState.PENDING)
        skipped = left.update(state=ItemState.SKIPPED, reason=ENDED_BEFORE)
        Redrive.objects.filter(pk=pk).update(
            status=RedriveStatus.ABORTED,
            reason=note,
            skipped=skipped,
            ended_at=Now(),
            changed_by=None,
            changed_at=Now(),
        )
        RedriveEvent.objects.create(redrive_id=pk, at=Now(), verb=RedriveStatus.ABORTED, note=note)
