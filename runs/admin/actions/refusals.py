"""Why a verb is not possible, said before anybody tries. The operations refuse it all the same."""

from collections.abc import Iterable
from typing import Any

from runs import clock
from runs.admin.actions.verbs import HANDING_ON
from runs.admin.actions.words import becomes
from runs.engine.permissions import check_tool
from runs.errors import NotPermittedError, ToolRevokedError
from runs.models import PendingAction
from runs.operations.permissions import check_may_approve, check_may_decide, check_may_delegate, check_may_raise
from runs.states import ActionKind

PERMISSION = "runs.change_pendingaction"


def refusals_of(action: PendingAction, user: Any, verbs: Iterable[str]) -> dict[str, str]:
    """Say for each verb why this user cannot use it now; empty if they can."""
    if not user.has_perm(PERMISSION):
        return dict.fromkeys(verbs, "You lack the permission to decide pending actions.")
    of_delegating = _of_role(check_may_delegate, action, user)
    of_deciding = _of_time(action) or _of_role(check_may_decide, action, user)
    found = {verb: of_delegating if verb in HANDING_ON else of_deciding for verb in verbs}
    if "approve" in found and not found["approve"]:
        found["approve"] = _of_approving(action, user)
    if "raise" in found and not found["raise"]:
        found["raise"] = _of_role(check_may_raise, action, user)
    if "escalate" in found and action.escalated_at:
        found["escalate"] = "It was escalated already."
    return found


def _of_time(action: PendingAction) -> str:
    is_over = action.expires_at is not None and action.closes and action.expires_at <= clock.now()
    return f"Its time is over: {becomes(action)}." if is_over else ""


def _of_approving(action: PendingAction, user: Any) -> str:
    if action.kind != ActionKind.APPROVAL:
        return ""
    try:
        check_tool(action.tool, action.run)
    except ToolRevokedError as error:
        return f"It cannot be approved: {error}. Reject it, so that the agent learns of it."
    return _of_role(check_may_approve, action, user, "You may not approve this")


def _of_role(check: Any, action: PendingAction, user: Any, what: str = "You may not decide this") -> str:
    try:
        check(action, user)
    except NotPermittedError as error:
        return f"{what}: {error}."
    return ""
