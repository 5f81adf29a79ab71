"""Rows about approvals: votes, policies, rules, revoked tools."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from runs.models import Approval, ApprovalPolicy, ApprovalRule, PendingAction, RevokedTool, Role, RunEvent, Tenant
from tests.runs.admin.rows import HOSTILE, make_user, make_waiting


def make_voted(tenant: Tenant, user: Any) -> PendingAction:
    """A payment that was edited, with one vote of two, one that is void, and a thread."""
    ApprovalPolicy.objects.create(tool="console_refund", risk="high", approvals=2, note=HOSTILE, updated_by=user)
    action = make_waiting(tenant, amount=1500.0, approvals_needed=2, expires_at=timezone.now() + timedelta(hours=3))
    proposed = {"order_id": "5098", "amount_usd": 2500.0, "memo": HOSTILE}
    PendingAction.objects.filter(pk=action.pk).update(proposed=proposed, assignee=user)
    anna, ben = (make_user(name, tenant=tenant, role=Role.APPROVER) for name in ("anna", "ben"))
    agree(action, ben, bound_hash="0" * 64)
    agree(action, anna, note=f"Seen the invoice. {HOSTILE}")
    told = {"action": str(action.pk), "step": action.step.seq}
    for seq, (kind, actor, more) in enumerate(
        [("asked", "ben", {"text": f"Which invoice? {HOSTILE}"}), ("reminded", "timer", {}),
         ("reassigned", "anna", {"to": user.username})], start=2
    ):  # fmt: skip
        at = timezone.now()
        RunEvent.objects.create(
            run=action.run, seq=seq, kind=f"action.{kind}", actor=actor, at=at, data={**told, **more}
        )
    return PendingAction.objects.get(pk=action.pk)


def agree(action: PendingAction, user: Any, **columns: Any) -> Approval:
    defaults = {"bound_hash": action.bound_hash, "at": timezone.now()}
    return Approval.objects.create(action=action, user=user, **(defaults | columns))


def make_rule(tenant: Tenant, user: Any, **columns: Any) -> ApprovalRule:
    now = timezone.now()
    defaults: dict[str, Any] = {
        "tool": "console_refund",
        "max_usd": Decimal(20),
        "max_total_usd": Decimal(200),
        "max_uses": 20,
        "uses": 3,
        "used_usd": Decimal("41.5"),
        "expires_at": now + timedelta(days=1),
        "reason": f"Small refunds are fine today. {HOSTILE}",
        "granted_at": now,
    }
    return ApprovalRule.objects.create(tenant=tenant, granted_by=user, **(defaults | columns))


def make_revoked(tenant: Tenant | None, user: Any, **columns: Any) -> RevokedTool:
    defaults = {"tool": "send_mail", "reason": f"The relay is open. {HOSTILE}", "revoked_at": timezone.now()}
    return RevokedTool.objects.create(tenant=tenant, revoked_by=user, **(defaults | columns))
