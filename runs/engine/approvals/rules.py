"""Approval by rule: a person approves low-risk calls in advance, within bounds."""

from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import F, Q

from runs.clock import Now
from runs.engine.approvals.binding import Binding
from runs.engine.approvals.deciders import objection_to
from runs.engine.approvals.requirements import requirements_for
from runs.models import ApprovalRule, Run
from runs.models.fields import dump_json
from runs.states import Risk


def rules_for(run: Run, tool: str, arguments: dict[str, Any], call: Binding) -> list[ApprovalRule]:
    """List the rules that approve this call. `use_rule` uses one of them, in the commit that records it."""
    if call.risk != Risk.LOW:
        return []
    rules = ApprovalRule.objects.filter(_live(), tenant=run.tenant_id, tool=tool, job_type__in=(run.job_type, ""))
    requirements = requirements_for(run.tenant_id, tool, risk=call.risk, amount_usd=call.amount_usd)
    if requirements.approvals > 1:
        return []  # four eyes cannot approve in advance
    return [
        rule
        for rule in rules.select_related("granted_by").order_by("expires_at", "granted_at")
        if _fits(rule, arguments, call.amount_usd) and objection_to(rule.granted_by, run, requirements) is None
    ]


@transaction.atomic(savepoint=False)
def use_rule(rule: ApprovalRule, amount_usd: Decimal | None) -> bool:
    """Count one use if the rule is still valid; return False if it was used up or revoked in the meantime.

    Decimals are added here, under a lock, and not in SQL: SQLite would use floats.
    """
    held = ApprovalRule.objects.select_for_update().filter(_live(), pk=rule.pk).first()
    used_usd = held.used_usd + (amount_usd or 0) if held else Decimal(0)
    if held is None or (held.max_total_usd is not None and used_usd > held.max_total_usd):
        return False
    held.uses, held.used_usd = held.uses + 1, used_usd
    held.save(update_fields=["uses", "used_usd"])
    return True


def _live() -> Q:
    return Q(revoked_at=None, expires_at__gt=Now(), uses__lt=F("max_uses"))


def _fits(rule: ApprovalRule, arguments: dict[str, Any], amount_usd: Decimal | None) -> bool:
    if any(name not in arguments or not _same(arguments[name], value) for name, value in rule.arguments.items()):
        return False
    bounds = [b for b in (rule.max_usd, rule.max_total_usd and rule.max_total_usd - rule.used_usd) if b is not None]
    return not bounds or (amount_usd is not None and amount_usd <= min(bounds))


def _same(one: Any, other: Any) -> bool:
    """Compare as JSON: in Python 1, 1.0 and True are equal."""
    return dump_json(one) == dump_json(other)
