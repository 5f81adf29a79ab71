"""Delegate an action without deciding it: ask for information, reply, reassign, escalate."""

from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from runs import clock
from runs.engine.approvals.deciders import objection_to, roles_that_decide
from runs.engine.approvals.requirements import requirements_of
from runs.errors import ConflictError, InvalidInputError, InvalidTransitionError
from runs.models import PendingAction, holds_role
from runs.models.moves import Event, transition
from runs.models.people import people_named
from runs.notices.actions import mail_assignee, mail_deciders, mail_requester
from runs.operations.actions.decide import lock
from runs.operations.permissions import check_may_delegate
from runs.states import ActionKind, ActionStatus
from runs.storable import storable_note


def ask(action: PendingAction, *, user: AbstractBaseUser, text: str) -> PendingAction:
    """Ask the person who posted the run for information; the action stays open and can still expire.

    Raises: InvalidInputError without a text; InvalidTransitionError if it is decided; NotPermittedError.
    """
    words = _words(text, "say what you need to know")
    with transaction.atomic():
        action = _lock_open(action, user)
        _tell("asked", action, user, text=words)
        mail_requester(action, f"{user.get_username()} asks about {action.tool or action.kind}", words)
    return action


def reply(action: PendingAction, *, user: AbstractBaseUser, text: str) -> PendingAction:
    """Reply to a question, or add information for the deciders. Raises: as `ask`."""
    words = _words(text, "say what they should know")
    with transaction.atomic():
        action = _lock_open(action, user)
        _tell("replied", action, user, text=words)
        mail_deciders(action)
    return action


def reassign(action: PendingAction, *, user: AbstractBaseUser, to: str) -> PendingAction:
    """Assign the decision to one person; others who may decide still can.

    Raises: InvalidInputError if no user of that name may decide it; InvalidTransitionError; NotPermittedError.
    """
    with transaction.atomic():
        action = _lock_open(action, user)
        action.assignee = _decider(action, to)
        action.save(update_fields=["assignee"])
        _tell("reassigned", action, user, to=to)
        mail_assignee(action, by=user.get_username())
    return action


def escalate(action: PendingAction, *, user: AbstractBaseUser, note: str = "") -> PendingAction:
    """Escalate to the admins of the tenant: from now on only they may decide.

    Raises: ConflictError if it was escalated already; InvalidTransitionError; NotPermittedError.
    """
    with transaction.atomic():
        action = _lock_open(action, user)
        if action.escalated_at:
            raise ConflictError("the action was already escalated to the admins of the tenant")
        action.escalated_at, action.assignee = clock.now(), None
        action.save(update_fields=["escalated_at", "assignee"])
        _tell("escalated", action, user, text=storable_note(note))
        mail_deciders(action)
    return action


def _lock_open(action: PendingAction, user: AbstractBaseUser) -> PendingAction:
    check_may_delegate(action, user)
    action = lock(action)
    if action.status != ActionStatus.OPEN:
        by = f" by {action.decided_by}" if action.decided_by else ""
        raise InvalidTransitionError(f"the action was already {action.status}{by}")
    return action


def _tell(what: str, action: PendingAction, user: AbstractBaseUser, **data: Any) -> None:
    told = {"action": str(action.pk), "step": action.step.seq, **data}
    transition(action.run, events=[Event(f"action.{what}", told, actor=user.get_username())])


def _words(text: str, hint: str) -> str:
    if not text.strip():
        raise InvalidInputError({"text": [hint]})
    return storable_note(text)


def _decider(action: PendingAction, name: str) -> Any:
    """Find the user who should decide. Raises: InvalidInputError if that user may not."""
    person = people_named(name).filter(is_active=True).first()
    if person is None or not holds_role(person, action.tenant_id, roles_that_decide(action)):
        raise InvalidInputError({"to": [f"nobody named {name!r} may decide this; see the members of the tenant"]})
    objection = (
        objection_to(person, action.run, requirements_of(action)) if action.kind == ActionKind.APPROVAL else None
    )
    if objection:
        raise InvalidInputError({"to": [objection]})
    return person
