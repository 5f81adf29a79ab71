"""The fields that say what a limit or a pause is about."""

from typing import Any

from django import forms
from django.db.models import QuerySet

from runs.declarations.catalog import job_types
from runs.declarations.job_types import Agent
from runs.models import Tenant


class SelectorForm(forms.Form):
    """All that is chosen must fit a run; what is left open fits every one."""

    queue = forms.ChoiceField(required=False)
    job_type = forms.ChoiceField(required=False)
    model = forms.ChoiceField(required=False)
    tool = forms.ChoiceField(required=False)
    tenant = forms.ModelChoiceField(queryset=Tenant.objects.none(), empty_label="every tenant")

    def __init__(self, *args: Any, tenants: QuerySet[Tenant], everywhere: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        for name, values in _declared().items():
            field: Any = self.fields[name]
            field.choices = [("", "any"), *((value, value) for value in sorted(values))]
        tenant: Any = self.fields["tenant"]
        tenant.queryset, tenant.required = tenants, not everywhere
        if not everywhere:
            tenant.empty_label = "choose one"


def _declared() -> dict[str, set[str]]:
    """What is offered for each field."""
    declared = list(job_types())
    agents = [job_type for job_type in declared if isinstance(job_type, Agent)]
    return {
        "queue": {job_type.queue for job_type in declared},
        "job_type": {job_type.name for job_type in declared},
        "model": {agent.model for agent in agents},
        "tool": {tool for agent in agents for tool in agent.tools_by_name},
    }
