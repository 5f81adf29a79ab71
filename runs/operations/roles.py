"""Who may do what in a tenant: roles belong to memberships, and are checked when they are used."""

from collections.abc import Sequence
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser

from runs.errors import NotPermittedError
from runs.models import Membership, PendingAction, Role, Run
from runs.states import ActionKind

DECIDERS = (Role.APPROVER, Role.ADMIN)
OPERATORS = (Role.OPERATOR, Role.ADMIN)
ANSWERERS = (*DECIDERS, Role.OPERATOR)


def check_may_decide(action: PendingAction, user: AbstractBaseUser) -> None:
    """Refuse a user without the role. The requester of a run may always answer its questions.

    Raises: NotPermittedError.
    """
    is_question = action.kind == ActionKind.QUESTION
    if is_question and action.run.requested_by_id == user.pk:
        return
    _check(user, action.tenant_id, ANSWERERS if is_question else DECIDERS, "deciding this")


def check_may_operate(run: Run, user: AbstractBaseUser) -> None:
    """Refuse a user who may not cancel, retry or replay; the requester may always cancel and retry.

    Raises: NotPermittedError.
    """
    if run.requested_by_id != user.pk:
        _check(user, run.tenant_id, OPERATORS, "this")


def _check(user: AbstractBaseUser, tenant_id: UUID, roles: Sequence[Role], what: str) -> None:
    if getattr(user, "is_superuser", False):
        return
    if not Membership.objects.filter(user_id=user.pk, tenant_id=tenant_id, role__in=roles).exists():
        raise NotPermittedError(f"{what} needs one of the roles {', '.join(roles)} in the tenant")
