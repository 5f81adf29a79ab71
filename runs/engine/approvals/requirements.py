"""The requirements of an approval: the most specific policy that matches a call, or the defaults."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from uuid import UUID

from django.db.models import Q

from runs.conf import conf
from runs.models import ApprovalPolicy, PendingAction, Role
from runs.states import OnExpiry, SelfApproval


@dataclass(frozen=True, slots=True)
class ApprovalRequirements:
    """Who decides, how many people must agree, and what happens when nobody decides."""

    role: Role
    approvals: int
    self_approval: SelfApproval
    expires_s: float
    on_expiry: OnExpiry
    remind_every_s: float

    @property
    def roles(self) -> tuple[Role, ...]:
        """The roles that may decide."""
        return (Role.ADMIN,) if self.role == Role.ADMIN else (Role.APPROVER, Role.ADMIN)


def requirements_for(tenant_id: UUID, tool: str, *, risk: str, amount_usd: Decimal | None) -> ApprovalRequirements:
    """Find the requirements in force for such a call of this tenant."""
    return requirements_from(policy_for(tenant_id, tool, risk=risk, amount_usd=amount_usd))


def default_requirements() -> ApprovalRequirements:
    """Return the requirements of a call that no policy matches."""
    return requirements_from(None)


def policy_for(tenant_id: UUID, tool: str, *, risk: str, amount_usd: Decimal | None) -> ApprovalPolicy | None:
    """Find the policy in force for such a call of this tenant; None if no policy matches."""
    policies = ApprovalPolicy.objects.filter(
        Q(tenant=tenant_id) | Q(tenant=None),
        tool__in=(tool, ""),
        risk__in=(risk, ""),
        from_usd__lte=amount_usd or 0,
    )
    return _most_exact(policies)


def requirements_of(action: PendingAction) -> ApprovalRequirements:
    """Find the requirements in force for an open action; once escalated, an admin decides."""
    requirements = requirements_for(action.tenant_id, action.tool, risk=action.risk, amount_usd=action.amount_usd)
    return replace(requirements, role=Role.ADMIN) if action.escalated_at else requirements


def _most_exact(policies: Iterable[ApprovalPolicy]) -> ApprovalPolicy | None:
    """Pick the most specific: a tenant's policy before a general one, then by tool, by risk, by the higher amount."""
    order = [(p.tenant_id is not None, bool(p.tool), bool(p.risk), p.from_usd, p) for p in policies]
    return max(order, key=lambda found: found[:4])[4] if order else None


def requirements_from(policy: ApprovalPolicy | None) -> ApprovalRequirements:
    """Read the requirements that a policy sets; None means the defaults."""
    chosen = policy or ApprovalPolicy()
    return ApprovalRequirements(
        role=Role(chosen.role),
        approvals=chosen.approvals,
        self_approval=SelfApproval(chosen.self_approval),
        expires_s=chosen.expires_s or conf().action_expires_s,
        on_expiry=OnExpiry(chosen.on_expiry),
        remind_every_s=chosen.remind_every_s or conf().action_remind_s,
    )
