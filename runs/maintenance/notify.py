"""Mail people: deciders about open actions, with reminders, and admins about budget thresholds."""

from datetime import timedelta

from django.db import transaction

from runs import clock
from runs.clock import Now
from runs.maintenance.expire_actions import for_each_due
from runs.models import BudgetPeriod, PendingAction
from runs.models.moves import Event, transition
from runs.notices.actions import mail_deciders
from runs.notices.budgets import mail_threshold


def notify_deciders() -> int:
    """Mail about every open action that is due, and schedule the next reminder. Returns how many."""
    return for_each_due("notify_at", _notify, at_once=100)


def _notify(action: PendingAction) -> None:
    every = timedelta(seconds=action.remind_every_s or 0)
    is_reminder = clock.now() >= action.requested_at + every
    action.notify_at, action.reminders = (clock.now() + every) if every else None, action.reminders + is_reminder
    action.save(update_fields=["notify_at", "reminders"])
    if is_reminder:
        event = Event("action.reminded", {"action": str(action.pk), "step": action.step.seq}, actor="timer")
        transition(action.run, events=[event])
    mail_deciders(action, again=is_reminder)


def notify_budgets() -> int:
    """Mail about every reached threshold that was not announced yet. Returns how many."""
    unnotified = BudgetPeriod.objects.filter(soft_reached_at__isnull=False, soft_notified_at__isnull=True)
    return sum(_notify_of_threshold(period) for period in unnotified.select_related("budget__tenant"))


@transaction.atomic
def _notify_of_threshold(period: BudgetPeriod) -> bool:
    if not BudgetPeriod.objects.filter(pk=period.pk, soft_notified_at__isnull=True).update(soft_notified_at=Now()):
        return False
    mail_threshold(period)
    return True
