"""Who may decide a pending action: an approver or admin of its tenant, a service token of it, a superuser."""

from django.contrib.auth.models import AbstractBaseUser

from runs.errors import NotPermittedError
from runs.models import Membership, PendingAction, Role
from runs.states import ActionKind

DECIDERS = (Role.APPROVER, Role.ADMIN)
ANSWERERS = (*DECIDERS, Role.OPERATOR)


def check_may_decide(action: PendingAction, user: AbstractBaseUser) -> None:
    """Refuse a user without the role. The requester of a run may always answer its questions.

    Raises: NotPermittedError.
    """
    if getattr(user, "is_superuser", False):
        return
    is_question = action.kind == ActionKind.QUESTION
    if is_question and action.run.requested_by_id == user.pk:
        return
    roles = ANSWERERS if is_question else DECIDERS
    if not Membership.objects.filter(user_id=user.pk, tenant_id=action.tenant_id, role__in=roles).exists():
        raise NotPermittedError(f"deciding this needs one of the roles {', '.join(roles)} in the tenant")
