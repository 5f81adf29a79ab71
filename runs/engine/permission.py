"""Permission, checked again when it is used: a run works only for an owner and a tenant in good standing."""

from runs.errors import PermissionDeniedError
from runs.models import Run


def check_owner(run: Run) -> None:
    """Refuse a run whose owner or tenant was disabled since it was posted, as far as `run` has just been read.

    Each intent demands the same of the database in its own UPDATE.

    Raises: PermissionDeniedError.
    """
    if not run.tenant.is_active:
        raise PermissionDeniedError(f"the tenant {run.tenant.slug!r} is suspended")
    if not run.requested_by.is_active:
        raise PermissionDeniedError(f"the user {run.requested_by.get_username()!r} is disabled")
