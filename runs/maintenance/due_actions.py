"""Open actions of which something is due: found by an index, then looked at again under the lock of their run."""

import logging
from collections.abc import Callable

from django.db import transaction

from runs.clock import Now
from runs.models import PendingAction, Run
from runs.states import ActionStatus

log = logging.getLogger(__name__)


def for_each_due(column: str, deal_with: Callable[[PendingAction], None], *, at_once: int) -> int:
    """Deal with each open action whose `column` has come, in a transaction of its own; say how many there were.

    One that cannot be dealt with does not stop those of others: it is logged, and tried again at the next look.
    """
    due = {"status": ActionStatus.OPEN, f"{column}__lte": Now()}
    found = PendingAction.objects.filter(**due).order_by(column)[:at_once]
    return sum(_try_to_deal_with(action, due, deal_with) for action in found)


def _try_to_deal_with(
    action: PendingAction, due: dict[str, object], deal_with: Callable[[PendingAction], None]
) -> bool:
    try:
        return _deal_with(action, due, deal_with)
    except Exception:
        log.exception("action %s is due and could not be dealt with", action.pk)
        return False


@transaction.atomic
def _deal_with(action: PendingAction, due: dict[str, object], deal_with: Callable[[PendingAction], None]) -> bool:
    run = Run.objects.select_for_update(of=("self",)).select_related("requested_by").get(pk=action.run_id)
    whole = PendingAction.objects.select_related("step", "assignee", "tenant")
    present = whole.filter(pk=action.pk, **due).first()
    if present is None:
        return False  # somebody was faster
    present.run = run
    deal_with(present)
    return True
