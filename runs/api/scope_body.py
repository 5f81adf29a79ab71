"""How a body says what a limit or a pause is about."""

from typing import Any

from runs.api.bodies import StrictSerializer
from runs.api.fields import StrictBoolean, StrictText
from runs.api.tenant_view import TenantView
from runs.operations.scope import Scope


class ScopeSerializer(StrictSerializer):
    """What a limit or a pause is about: all that is named."""

    queue = StrictText(required=False, allow_blank=True, default="", max_length=64)
    job_type = StrictText(required=False, allow_blank=True, default="", max_length=100)
    model = StrictText(required=False, allow_blank=True, default="", max_length=100)
    tool = StrictText(required=False, allow_blank=True, default="", max_length=200)
    all_tenants = StrictBoolean(required=False, default=False, help_text="Of every tenant; for superusers.")


def take_scope(view: TenantView, said: dict[str, Any]) -> Scope:
    """Take the scope out of a valid body: of the token's tenant, or of every one."""
    named = {name: said.pop(name) for name in ("queue", "job_type", "model", "tool")}
    return Scope(tenant=None if said.pop("all_tenants") else view.tenant, **named)
