"""Who decides: asked when somebody says so, and for approvals again right before the call."""

from django.contrib.auth.models import AbstractBaseUser

from runs.engine.approvals.terms import Terms, terms_of
from runs.models import DECIDERS, PendingAction, Role, Run, holds_role, is_service_account
from runs.states import ActionKind, SelfApproval

ANSWERERS = (*DECIDERS, Role.OPERATOR)


def roles_that_decide(action: PendingAction) -> tuple[Role, ...]:
    """List the roles that may decide about an action now."""
    if action.escalated_at:
        return (Role.ADMIN,)
    if action.kind == ActionKind.APPROVAL:
        return terms_of(action).roles
    return ANSWERERS if action.kind == ActionKind.QUESTION else DECIDERS


def objection_to(user: AbstractBaseUser | None, run: Run, terms: Terms) -> str | None:
    """Say why somebody may not approve what this run proposes; None if they may."""
    if not holds_role(user, run.tenant_id, terms.roles):
        return f"approving this needs one of the roles {', '.join(terms.roles)} in the tenant"
    assert user is not None
    if run.requested_by_id == user.pk and not _may_approve_own(user, run, terms):
        return "whoever asked for a run may not approve what it proposes: somebody else must"
    if terms.approvals > 1 and is_service_account(user, run.tenant):
        return f"{terms.approvals} people must agree to this, and the service account of the tenant is none"
    return None


def _may_approve_own(user: AbstractBaseUser, run: Run, terms: Terms) -> bool:
    """Say whether the policy lets a person do so: four eyes are never the requester's, nor is a program a person."""
    allowed = terms.self_approval == SelfApproval.ALWAYS and terms.approvals == 1
    return allowed and not is_service_account(user, run.tenant)
