"""Check permission again at the time of use: a run works only for an active owner in an active tenant."""

from django.db.models import Q

from runs.declarations.tools import Tool
from runs.errors import PermissionDeniedError, ToolRevokedError, ToolRoleError
from runs.models import RevokedTool, Role, Run, holds_role


def check_owner(run: Run) -> None:
    """Refuse a run whose owner or tenant was disabled since it was posted, or whose owner left the tenant.

    Uses the owner and tenant as read with `run`.

    Each intent checks the same in its own UPDATE.

    Raises: PermissionDeniedError.
    """
    if not run.tenant.is_active:
        raise PermissionDeniedError(f"the tenant {run.tenant.slug!r} is suspended")
    if not run.requested_by.is_active:
        raise PermissionDeniedError(f"the user {run.requested_by.get_username()!r} is disabled")
    if not holds_role(run.requested_by, run.tenant_id, tuple(Role)):
        name, slug = run.requested_by.get_username(), run.tenant.slug
        raise PermissionDeniedError(f"the user {name!r} no longer belongs to the tenant {slug!r}")


def may_use(tool: Tool, run: Run) -> bool:
    """Say whether the tool needs no role, or the run's user holds one that it needs."""
    return not tool.roles or holds_role(run.requested_by, run.tenant_id, tool.roles)


def check_roles(tool: Tool, run: Run) -> None:
    """Refuse a tool that needs a role which the run's user lacks. Raises: ToolRoleError."""
    if not may_use(tool, run):
        named = ", ".join(tool.roles)
        raise ToolRoleError(f"the tool {tool.name} needs one of the roles {named}, and the user of this run has none")


def check_tool(tool: str, run: Run) -> None:
    """Refuse a tool that was revoked in the run's tenant, or in all tenants. Raises: ToolRevokedError."""
    revoked = RevokedTool.objects.filter(
        Q(tenant=run.tenant_id) | Q(tenant=None), tool=tool, restored_at__isnull=True
    ).first()
    if revoked:
        raise ToolRevokedError(f"the tool {tool} was revoked by an operator: {revoked.reason}")
