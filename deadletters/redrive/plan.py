"""Plan a redrive: which dead letters it would send, which not and why, and the estimated cost. Sends nothing."""

from collections.abc import Collection
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from deadletters.decisions import how_closed
from deadletters.errors import NoDeadLettersError, ReplaysExhaustedError
from deadletters.models import DeadLetter, ItemState, Redrive, RedriveItem, RedriveStatus
from deadletters.models.redrive import actor_of
from deadletters.redrive.actions import end
from deadletters.redrive.options import LETTERS_MAX, RedriveOptions, Selection
from deadletters.replay import check_replays
from runs import clock
from runs.operations.permissions import tenants_to_operate
from runs.operations.preview_replay import preview_replay

PLAN_KEEPS = timedelta(days=1)  # an unstarted plan must not keep its dead letters from other redrives forever
GONE = "the run is gone"
_TRIES = 3


@dataclass(frozen=True, slots=True)
class _Judged:
    letter: DeadLetter
    reason: str = ""  # why it is excluded; empty: it will be sent
    cost_usd: Decimal = Decimal(0)


def plan(
    letters: QuerySet[DeadLetter], selection: Selection, *, user: Any, options: RedriveOptions | None = None
) -> Redrive:
    """Store the plan of a redrive: its row, and an item for each dead letter.

    `letters` are those visible to the user; the redrive will replay in the user's name.
    Raises: NoDeadLettersError if none matches.
    """
    wanted = selection.of(letters)
    found = list(wanted[:LETTERS_MAX])
    if not found:
        raise NoDeadLettersError("no dead letter matches; see /api/v1/dead-letters/ or the list in the console")
    left_out = wanted.count() - len(found) if len(found) == LETTERS_MAX else 0
    tenants = tenants_to_operate(user)
    # Judged before the transaction: hundreds of previews must not block every other writer.
    judged = [_judge(letter, tenants) for letter in found]
    store = partial(_store, judged, selection, options or RedriveOptions(), user=user, left_out=left_out)
    for _ in range(_TRIES - 1):
        with suppress(IntegrityError):  # another redrive has planned some of these in the meantime
            return store()
    return store()


def _judge(letter: DeadLetter, tenants: Collection[str] | None) -> _Judged:
    """Find the first reason to exclude a dead letter; check the dead letter itself before reading its run."""
    if reason := _closed_to(letter, tenants):
        return _Judged(letter, reason)
    preview = preview_replay(letter.run_id)
    if preview.refusal:
        return _Judged(letter, preview.refusal)
    if preview.effects_unknown:
        return _Judged(letter, "effects may have happened: a person must look first")
    return _Judged(letter, cost_usd=preview.estimated_cost_usd)


def _closed_to(letter: DeadLetter, tenants: Collection[str] | None) -> str:
    """Say why the user may not replay it; `tenants` are those where the user may, None means every tenant."""
    if not letter.is_live:
        return f"the letter is already {how_closed(letter)}"
    if tenants is not None and letter.tenant not in tenants:
        return "you may not replay runs of its tenant"
    try:
        check_replays(letter)
    except ReplaysExhaustedError:
        return "it has reached the limit of replays"
    return ""


@transaction.atomic
def _store(
    judged: list[_Judged], selection: Selection, options: RedriveOptions, *, user: Any, left_out: int
) -> Redrive:
    _drop_stale_plans()
    ids = [one.letter.pk for one in judged if not one.reason]
    # The database refuses any that another redrive adds in between.
    taken = set(RedriveItem.objects.filter(letter__in=ids, state=ItemState.PENDING).values_list("letter_id", flat=True))
    judged = [_Judged(one.letter, "another redrive is to send it") if one.letter.pk in taken else one for one in judged]
    slugs = {one.letter.tenant for one in judged}
    redrive = Redrive.objects.create(
        tenant=slugs.pop() if len(slugs) == 1 else "",
        selection=selection.as_json(),
        **asdict(options),
        total=len(judged),
        left_out=left_out,
        excluded=sum(1 for one in judged if one.reason),
        estimated_cost_usd=sum((one.cost_usd for one in judged), Decimal(0)),
        planned_by_id=user.pk,
        planned_at=Now(),
        changed_by_id=user.pk,
        changed_at=Now(),
    )
    items = [
        RedriveItem(
            redrive=redrive,
            letter=one.letter,
            place=place,
            state=ItemState.EXCLUDED if one.reason else ItemState.PENDING,
            reason=one.reason[:300],
        )
        for place, one in enumerate(judged, start=1)
    ]
    RedriveItem.objects.bulk_create(items, batch_size=500)
    redrive.events.create(at=Now(), actor=actor_of(user), verb="plan")
    redrive.refresh_from_db()
    return redrive


def _drop_stale_plans() -> None:
    """Abort plans that nobody has started for a day."""
    stale = Redrive.objects.filter(status=RedriveStatus.PLANNED, planned_at__lt=Now() - PLAN_KEEPS)
    for redrive in stale.select_for_update(skip_locked=True):
        end(redrive, RedriveStatus.ABORTED, clock.now(), "nobody started it within a day")
        redrive.save()
