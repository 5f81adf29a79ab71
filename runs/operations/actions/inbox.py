"""Who decides next: which open actions wait for a user, and which users may decide an action."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from runs.engine.approvals.deciders import ANSWERERS, objection_to, roles_that_decide
from runs.engine.approvals.requirements import requirements_of
from runs.models import DECIDERS, Approval, ApprovalPolicy, Membership, PendingAction, Role, is_service_account
from runs.models.people import in_order_of_names
from runs.states import ActionKind, ActionStatus, SelfApproval


def waiting_for(actions: QuerySet[PendingAction], user: AbstractBaseUser) -> QuerySet[PendingAction]:
    """Select the open actions that wait for this person.

    These are actions they may decide and have not approved yet, unless assigned to somebody else who may decide.
    """
    agreed = Approval.objects.filter(action=OuterRef("pk"), user_id=user.pk, bound_hash=OuterRef("bound_hash"))
    theirs = actions.filter(~Exists(agreed), status=ActionStatus.OPEN).alias(
        role_needed=_of_policy("role", Role.APPROVER), self_approval=_of_policy("self_approval", SelfApproval.NEVER)
    )
    asked = theirs.filter(Q(assignee=user.pk) | ~_assignee_decides())
    return asked if getattr(user, "is_superuser", False) else asked.filter(_decidable(user))


def people_to_ask(action: PendingAction) -> list[Any]:
    """List the people who may decide an action now, by name; service accounts are not people."""
    roles = roles_that_decide(action)
    members = Membership.objects.filter(tenant=action.tenant_id, role__in=roles, user__is_active=True)
    users = in_order_of_names(get_user_model()._default_manager.filter(pk__in=members.values("user")))
    people = [user for user in users if not is_service_account(user, action.tenant)]
    if action.kind != ActionKind.APPROVAL:
        return people
    own = action.run.requested_by_id
    return [p for p in people if p.pk != own or objection_to(p, action.run, requirements_of(action)) is None]


def _decidable(user: AbstractBaseUser) -> Q:
    """Match what a user may decide with their roles; `deciders` and `requirements` decide the same for one action."""
    approval, question = Q(kind=ActionKind.APPROVAL), Q(kind=ActionKind.QUESTION)
    holds = _with_roles(lambda *roles: Q(tenant__in=_tenants(user, *roles)))
    own = Q(run__requested_by=user.pk)
    may_approve_own = Q(self_approval=SelfApproval.ALWAYS, approvals_needed=1)
    return holds & (~approval | ~own | may_approve_own) | (question & own & Q(tenant__in=_tenants(user, *Role)))


def _assignee_decides() -> Q:
    """Match what is assigned to a user who still holds a deciding role: others need not look."""
    members = Membership.objects.filter(user=OuterRef("assignee"), tenant=OuterRef("tenant"), user__is_active=True)
    superusers = get_user_model().objects.filter(pk=OuterRef("assignee"), is_superuser=True, is_active=True)
    return _with_roles(lambda *roles: Q(Exists(members.filter(role__in=roles)))) | Q(Exists(superusers))


def _with_roles(holds: Callable[..., Q]) -> Q:
    """Match what a user's roles may decide; `holds(*roles)` matches the actions for which they hold one of these."""
    approval, question = Q(kind=ActionKind.APPROVAL), Q(kind=ActionKind.QUESTION)
    as_approver = holds(*DECIDERS) & Q(escalated_at=None) & (~approval | Q(role_needed=Role.APPROVER))
    as_answerer = holds(*ANSWERERS) & Q(escalated_at=None) & question
    return holds(Role.ADMIN) | as_approver | as_answerer


def _tenants(user: AbstractBaseUser, *roles: Role) -> QuerySet[Membership, Any]:
    return Membership.objects.filter(user_id=user.pk, role__in=roles).values("tenant")


def _of_policy(column: str, default: str) -> Coalesce:
    """Read a column of the most specific policy that matches an action, in the order used by `requirements`."""
    fitting = ApprovalPolicy.objects.filter(
        Q(tenant=OuterRef("tenant")) | Q(tenant=None),
        Q(tool=OuterRef("tool")) | Q(tool=""),
        Q(risk=OuterRef("risk")) | Q(risk=""),
        from_usd__lte=Coalesce(OuterRef("amount_usd"), Decimal(0)),
    )
    best = fitting.order_by(F("tenant").desc(nulls_last=True), "-tool", "-risk", "-from_usd")
    return Coalesce(Subquery(best.values(column)[:1]), Value(str(default)))
