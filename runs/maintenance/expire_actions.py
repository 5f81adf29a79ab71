"""Expire actions that nobody decided in time: do what the policy says, in the transaction that records it."""

import logging
from collections.abc import Callable
from datetime import timedelta

from django.db import transaction

from runs import clock
from runs.clock import Now
from runs.engine.approvals.requirements import requirements_of
from runs.engine.cancel import cancel_locked
from runs.engine.sleep import wake_after_action
from runs.fault_points import fault_point
from runs.models import PendingAction, Run, Step
from runs.models.fields import hash_of
from runs.models.moves import Event, transition
from runs.notices.actions import mail_expiry
from runs.states import ActionKind, ActionStatus, OnExpiry, StepStatus

_TOLD = "Nobody decided in time, so the call was not made."
_NO_ANSWER = {"text": "(no answer)", "end": True}


def expire_actions() -> int:
    """Expire every overdue open action. Unknown outcomes never expire. Returns how many."""
    return for_each_due("expires_at", _expire, at_once=200)


def _expire(action: PendingAction) -> None:
    match OnExpiry(action.on_expiry):
        case OnExpiry.WAIT:
            _keep_waiting(action)
        case OnExpiry.ESCALATE if not action.escalated_at:
            _escalate(action)
        case OnExpiry.CANCEL:
            _end(action)
            _cancel(action)
        case _:
            _end(action)
            _answer_the_agent(action)


def _keep_waiting(action: PendingAction) -> None:
    """Keep the action open; from now on only reminders come."""
    PendingAction.objects.filter(pk=action.pk).update(expires_at=None)
    transition(action.run, events=[_event(action, "overdue")])
    mail_expiry(action, "it stays open")


def _escalate(action: PendingAction) -> None:
    """Escalate to the admins, with the same time again."""
    action.escalated_at, action.assignee = clock.now(), None
    action.expires_at = action.escalated_at + timedelta(seconds=requirements_of(action).expires_s)
    action.save(update_fields=["escalated_at", "assignee", "expires_at"])
    transition(action.run, events=[_event(action, "escalated")])
    mail_expiry(action, "an admin must decide now")


def _end(action: PendingAction) -> None:
    PendingAction.objects.filter(pk=action.pk).update(status=ActionStatus.EXPIRED, decided_at=Now(), notify_at=None)
    action.status = ActionStatus.EXPIRED


def _cancel(action: PendingAction) -> None:
    """Cancel the run, with everything else that it waits for."""
    transition(action.run, events=[_event(action, "expired")])
    cancel_locked(action.run, actor="timer")
    mail_expiry(action, "the run is cancelled")


def _answer_the_agent(action: PendingAction) -> None:
    """Tell the agent and let it go on; end a conversation that nobody answers, as an answer with `end` would."""
    if action.kind == ActionKind.QUESTION and not action.tool:
        Step.objects.filter(pk=action.step_id).update(
            status=StepStatus.COMPLETED, result=_NO_ANSWER, result_hash=hash_of(_NO_ANSWER), finished_at=Now()
        )
    elif action.kind != ActionKind.BUDGET:
        Step.objects.filter(pk=action.step_id, status=StepStatus.PLANNED).update(
            status=StepStatus.SKIPPED,
            result={"text": _TOLD},
            error={"type": "expired", "message": _TOLD},
            finished_at=Now(),
        )
    fault_point("expire.before")
    wake_after_action(action.run, _event(action, "expired"))
    mail_expiry(action, _became(action))


def _became(action: PendingAction) -> str:
    if action.kind == ActionKind.BUDGET:
        return "the run fails"
    if action.kind == ActionKind.QUESTION and not action.tool:
        return "the conversation is over"
    return "the agent learns of it and goes on"


def _event(action: PendingAction, what: str) -> Event:
    return Event(f"action.{what}", {"action": str(action.pk), "step": action.step.seq}, actor="timer")


log = logging.getLogger(__name__)


def for_each_due(column: str, deal_with: Callable[[PendingAction], None], *, at_once: int) -> int:
    """Handle each open action whose time in `column` has come, in its own transaction; return how many.

    A failure does not stop the others: it is logged and tried again at the next sweep.
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
