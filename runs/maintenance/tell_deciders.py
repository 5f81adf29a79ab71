"""Telling those who decide: when an action was opened, and again for as long as nobody decides."""

from datetime import timedelta

from runs import clock
from runs.maintenance.due_actions import for_each_due
from runs.models import PendingAction
from runs.models.moves import Event, transition
from runs.notices.actions import tell_deciders as mail_deciders


def tell_deciders() -> int:
    """Mail about every open action that is due, and say when the next reminder is. Returns how many."""
    return for_each_due("tell_at", _tell, at_once=100)


def _tell(action: PendingAction) -> None:
    every = timedelta(seconds=action.remind_every_s or 0)
    is_reminder = clock.now() >= action.requested_at + every
    action.tell_at, action.reminders = (clock.now() + every) if every else None, action.reminders + is_reminder
    action.save(update_fields=["tell_at", "reminders"])
    if is_reminder:
        event = Event("action.reminded", {"action": str(action.pk), "step": action.step.seq}, actor="timer")
        transition(action.run, events=[event])
    mail_deciders(action, again=is_reminder)
