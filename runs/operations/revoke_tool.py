"""Revoke a tool, so that no agent may use it from the next call on; and restore it."""

import logging

from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, transaction

from runs import clock
from runs.declarations.catalog import job_types
from runs.declarations.job_types import Agent
from runs.errors import ConflictError, InvalidInputError
from runs.models import RevokedTool, Role, Tenant
from runs.operations.permissions import check_may_set
from runs.storable import storable_note

log = logging.getLogger(__name__)

_WHAT = "revoking tools"


def revoke_tool(tool: str, *, tenant: Tenant | None, reason: str, user: AbstractBaseUser) -> RevokedTool:
    """Revoke a tool in one tenant or in all. A call in flight is not stopped; the next one gets an error.

    Raises: InvalidInputError without a tool or a reason; ConflictError if it is revoked there already;
    NotPermittedError.
    """
    check_may_set(tenant, user, (Role.ADMIN,), _WHAT)
    missing = {name: ["must be given"] for name, value in (("tool", tool), ("reason", reason)) if not value.strip()}
    if missing:
        raise InvalidInputError(missing)
    try:
        with transaction.atomic():
            revoked = RevokedTool.objects.create(
                tool=tool, tenant=tenant, reason=storable_note(reason), revoked_by_id=user.pk, revoked_at=clock.now()
            )
    except IntegrityError as error:
        raise ConflictError(f"the tool {tool} is revoked there already") from error
    log.warning("tool %s revoked by %s: %s", revoked, user.get_username(), revoked.reason)
    return revoked


def restore_tool(revoked: RevokedTool, *, user: AbstractBaseUser) -> bool:
    """Restore the tool; False if somebody was faster. Raises: NotPermittedError."""
    check_may_set(revoked.tenant, user, (Role.ADMIN,), _WHAT)
    in_force = RevokedTool.objects.filter(pk=revoked.pk, restored_at=None)
    if restored := in_force.update(restored_at=clock.now(), restored_by_id=user.pk):
        log.warning("tool %s restored by %s", revoked, user.get_username())
    return bool(restored)


def tools_to_revoke() -> list[str]:
    """List the tools declared here; others can be revoked too."""
    return sorted({name for agent in job_types() if isinstance(agent, Agent) for name in agent.tools_by_name})
