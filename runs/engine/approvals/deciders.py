"""Who may decide: checked when somebody decides, and for approvals again right before the call."""

from django.contrib.auth.models import AbstractBaseUser

from runs.engine.approvals.requirements import ApprovalRequirements, requirements_of
from runs.models import DECIDERS, PendingAction, Role, Run, holds_role, is_service_account
from runs.states import ActionKind, SelfApproval

ANSWERERS = (*DECIDERS, Role.OPERATOR)


def roles_that_decide(action: PendingAction) -> tuple[Role, ...]:
    """List the roles that may decide about an action now."""
    if action.escalated_at:
        return (Role.ADMIN,)
    if action.kind == ActionKind.APPROVAL:
        return requirements_of(action).roles
    return ANSWERERS if action.kind == ActionKind.QUESTION else DECIDERS


def objection_to(user: AbstractBaseUser | None, run: Run, requirements: ApprovalRequirements) -> str | None:
    """Say why somebody may not approve what this run proposes; None if they may."""
    if not holds_role(user, run.tenant_id, requirements.roles):
        return f"approving this needs one of the roles {', '.join(requirements.roles)} in the tenant"
    assert user is not None
    if run.requested_by_id == user.pk and not _may_approve_own(user, run, requirements):
        return "the requester of a run may not approve what it proposes: somebody else must"
    if requirements.approvals > 1 and is_service_account(user, run.tenant):
        return f"{requirements.approvals} people must agree to this, and the service account of the tenant is none"
    return None


def _may_approve_own(user: AbstractBaseUser, run: Run, requirements: ApprovalRequirements) -> bool:
    """Say whether the policy lets a person approve their own run: never under four eyes, nor a service account."""
    allowed = requirements.self_approval == SelfApproval.ALWAYS and requirements.approvals == 1
    return allowed and not is_service_account(user, run.tenant)
