"""Permission, checked again when it is used: a run works only for an owner and a tenant in good standing."""

from django.db.models import Q

from runs.errors import PermissionDeniedError, ToolRevokedError
from runs.models import RevokedTool, Run


def check_owner(run: Run) -> None:
    """Refuse a run whose owner or tenant was disabled since it was posted, as far as `run` has just been read.

    Each intent demands the same of the database in its own UPDATE.

    Raises: PermissionDeniedError.
    """
    if not run.tenant.is_active:
        raise PermissionDeniedError(f"the tenant {run.tenant.slug!r} is suspended")
    if not run.requested_by.is_active:
        raise PermissionDeniedError(f"the user {run.requested_by.get_username()!r} is disabled")


def check_tool(tool: str, run: Run) -> None:
    """Refuse a tool that was revoked in the tenant of the run, or in all. Raises: ToolRevokedError."""
    revoked = RevokedTool.objects.filter(
        Q(tenant=run.tenant_id) | Q(tenant=None), tool=tool, restored_at__isnull=True
    ).first()
    if revoked:
        raise ToolRevokedError(f"the tool {tool} was revoked by an operator: {revoked.reason}")
