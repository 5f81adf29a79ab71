"""Grant and revoke approval rules."""

from datetime import timedelta
from decimal import Decimal

from django.contrib.auth.models import AbstractBaseUser

from runs import clock
from runs.declarations.catalog import job_types
from runs.declarations.job_types import Agent
from runs.declarations.tools import Tool
from runs.errors import InvalidInputError, NotPermittedError
from runs.models import DECIDERS, ApprovalRule, Tenant, holds_role
from runs.states import Risk
from runs.storable import storable_note

DAYS_MAX = 31
USES_MAX = 10_000


def grant_rule(rule: ApprovalRule, *, tenant: Tenant, user: AbstractBaseUser) -> ApprovalRule:
    """Approve low-risk calls of a tool in advance, in one tenant. Every rule ends, by time and by number of uses.

    Raises: InvalidInputError naming each field; NotPermittedError.
    """
    _check_may_rule(tenant, user)
    if problems := _problems(rule):
        raise InvalidInputError(problems)
    rule.reason = storable_note(rule.reason)
    rule.tenant, rule.granted_by_id, rule.granted_at, rule.used_usd = tenant, user.pk, clock.now(), Decimal(0)
    rule.save(force_insert=True)
    return rule


def revoke_rule(rule: ApprovalRule, *, user: AbstractBaseUser) -> ApprovalRule:
    """End a rule at once; revoking it again changes nothing. Raises: NotPermittedError."""
    _check_may_rule(rule.tenant, user)
    ApprovalRule.objects.filter(pk=rule.pk, revoked_at=None).update(revoked_at=clock.now(), revoked_by_id=user.pk)
    return ApprovalRule.objects.select_related("tenant", "granted_by", "revoked_by").get(pk=rule.pk)


def tools_for_rules() -> list[str]:
    """List the declared tools whose calls may be low-risk and so be approved by rule."""
    agents = [agent for agent in job_types() if isinstance(agent, Agent)]
    return sorted({tool.name for agent in agents for tool in agent.tools_by_name.values() if not _is_too_risky(tool)})


def _check_may_rule(tenant: Tenant, user: AbstractBaseUser) -> None:
    if not holds_role(user, tenant.pk, DECIDERS):
        raise NotPermittedError(f"approval rules need one of the roles {', '.join(DECIDERS)} in the tenant")


def _problems(rule: ApprovalRule) -> dict[str, list[str]]:
    now = clock.now()
    found: dict[str, str] = {}
    if not rule.reason.strip():
        found["reason"] = "say why nobody needs to look"
    if not now < rule.expires_at <= now + timedelta(days=DAYS_MAX):
        found["expires_at"] = f"must lie in the future, at most {DAYS_MAX} days away"
    if not 0 < rule.max_uses <= USES_MAX:
        found["max_uses"] = f"give a whole number from 1 to {USES_MAX}"
    found |= _tool_problems(rule)
    for name in ("max_usd", "max_total_usd"):
        amount = getattr(rule, name)
        if amount is not None and amount <= 0:
            found[name] = "give USD above 0"
    return {name: [problem] for name, problem in found.items()}


def _tool_problems(rule: ApprovalRule) -> dict[str, str]:
    agents = [one for one in job_types() if isinstance(one, Agent) and rule.job_type in ("", one.name)]
    tools = [agent.tools_by_name[rule.tool] for agent in agents if rule.tool in agent.tools_by_name]
    if not tools:
        return {"tool": f"no job type here declares a tool {rule.tool!r}"}
    if all(_is_too_risky(tool) for tool in tools):
        return {"tool": "only calls of low risk can be approved by rule; declare the tool with risk='low' if they are"}
    if (rule.max_usd or rule.max_total_usd) and not any(tool.amount for tool in tools):
        return {"max_usd": "the tool does not say which argument holds USD; declare it with amount='…'"}
    return {}


def _is_too_risky(tool: Tool) -> bool:
    return not callable(tool.risk) and tool.risk_of({}) != Risk.LOW
