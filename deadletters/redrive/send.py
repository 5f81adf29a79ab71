"""Sending one letter of a redrive, in the name of whoever planned it."""

import logging
from datetime import datetime

from django.core.exceptions import ObjectDoesNotExist
from django.db import InterfaceError, OperationalError

from deadletters.models import ItemState, Redrive, RedriveItem, RedriveStatus
from deadletters.redrive.exclusions import GONE
from deadletters.redrive.judge import end
from deadletters.verbs.replay import replay
from deadletters.work import work

log = logging.getLogger(__name__)

_FORBIDDEN = "forbidden"  # the code of refusals for want of permission, in every app


def send(redrive: Redrive, item: RedriveItem, now: datetime) -> None:
    """Replay the letter and write down how that went; the caller holds the redrive's lock, and saves it.

    A refusal skips the letter. A user who may not replay any more stops the redrive.
    Raises: OperationalError or InterfaceError if the database is away: nothing has happened then.
    """
    if not _may_still(redrive, item):
        _stop(redrive, item, now)
        return
    try:
        item.run_id = replay(item.letter, user=redrive.planned_by)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        if getattr(error, "code", None) == _FORBIDDEN:
            _stop(redrive, item, now)
        else:
            _skip(redrive, item, error)
        return
    item.state, item.sent_at = ItemState.SENT, now
    item.save(update_fields=["run_id", "state", "sent_at"])
    redrive.sent += 1


def _may_still(redrive: Redrive, item: RedriveItem) -> bool:
    """Ask anew for each letter: roles change, and users are disabled, while it runs."""
    tenants = work().operates_in(redrive.planned_by)
    return tenants is None or item.letter.tenant in tenants


def _stop(redrive: Redrive, item: RedriveItem, now: datetime) -> None:
    who, where = redrive.planned_by.get_username(), item.letter.tenant
    end(redrive, RedriveStatus.STOPPED, now, f"{who}, in whose name it replays, may not do so in {where} any more")


def _skip(redrive: Redrive, item: RedriveItem, error: Exception) -> None:
    item.state, item.reason = ItemState.SKIPPED, _told(item, error)[:300]
    item.save(update_fields=["state", "reason"])
    redrive.skipped += 1


def _told(item: RedriveItem, error: Exception) -> str:
    """Say why it was refused. Refusals of any app carry a stable `code`; anything else is a bug and is logged."""
    if isinstance(error, ObjectDoesNotExist):
        return GONE
    if isinstance(getattr(error, "code", None), str):
        return str(error)
    log.error("letter %s was not replayed", item.letter_id, exc_info=error)
    return f"{type(error).__name__}; see the log"
