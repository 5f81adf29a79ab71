"""Permission, checked again when it is used: a run works only for an owner and a tenant in good standing."""

from runs.errors import PermissionDeniedError
from runs.models import Run, Tenant


def check_owner(run: Run) -> None:
    """Refuse a run whose owner or tenant was disabled since it was posted.

    Raises: PermissionDeniedError.
    """
    active = Tenant.objects.filter(pk=run.tenant_id).values_list("is_active", flat=True).first()
    if not active:
        raise PermissionDeniedError(f"the tenant {run.tenant.slug!r} is suspended")
    user = type(run.requested_by)._default_manager.filter(pk=run.requested_by_id)
    if not user.values_list("is_active", flat=True).first():
        raise PermissionDeniedError(f"the user {run.requested_by.get_username()!r} is disabled")
