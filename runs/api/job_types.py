"""Job types: what may be posted here."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from runs.api.tenant_view import TenantView
from runs.declarations.catalog import job_types
from runs.declarations.job_types import Agent, JobType
from runs.states import Lane, OnConflict


class ToolSerializer(serializers.Serializer[Any]):
    """A tool of an agent."""

    name = serializers.CharField()
    description = serializers.CharField()
    effect = serializers.CharField()
    approval = serializers.CharField(help_text="`never`, `always` or `by rule`")
    roles = serializers.ListField(
        child=serializers.CharField(), help_text="The user of a run must hold one of them. Empty: none is needed."
    )


class JobTypeSerializer(serializers.Serializer[Any]):
    """A job type."""

    name = serializers.CharField()
    form = serializers.CharField(help_text="`agent` or `job`")
    description = serializers.CharField()
    queue = serializers.CharField()
    input_schema = serializers.JSONField()
    output_schema = serializers.JSONField(allow_null=True)
    timeout_s = serializers.FloatField()
    max_cost_usd = serializers.CharField(allow_null=True)
    max_running_per_tenant = serializers.IntegerField(allow_null=True)
    on_conflict = serializers.ChoiceField(list(OnConflict), help_text="Policy while another run counts as the same.")
    unique_for_s = serializers.FloatField(allow_null=True)
    fresh_for_s = serializers.FloatField(allow_null=True)
    model = serializers.CharField(allow_null=True)
    lane = serializers.CharField(help_text="`standard` or `batch`: the default of a run.")
    tools = ToolSerializer(many=True)


class JobTypesSerializer(serializers.Serializer[Any]):
    """The catalog, always on one page."""

    results = JobTypeSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class JobTypesView(TenantView):
    """The catalog."""

    scopes = {"get": "runs:read"}

    @extend_schema(responses=JobTypesSerializer)
    def get(self, request: Request) -> Response:
        """List every job type that the token may post, with the schema of its input."""
        return Response(
            {"results": [describe(one) for one in job_types() if self.token.acts_on(one.name)], "next": None}
        )


def describe(job_type: JobType) -> dict[str, Any]:
    """Build the document of a job type."""
    agent = job_type if isinstance(job_type, Agent) else None
    ceiling = job_type.max_cost_usd
    return {
        "name": job_type.name,
        "form": job_type.form,
        "description": job_type.description or (type(job_type).__doc__ or "").strip(),
        "queue": job_type.queue,
        "input_schema": job_type.input_json_schema,
        "output_schema": job_type.output_json_schema,
        "timeout_s": job_type.timeout_s,
        "max_cost_usd": None if ceiling is None else str(ceiling),
        "max_running_per_tenant": job_type.max_running_per_tenant,
        "on_conflict": job_type.on_conflict,
        "unique_for_s": job_type.unique_for_s,
        "fresh_for_s": job_type.fresh_for_s,
        "model": agent.model if agent else None,
        "lane": agent.lane if agent else Lane.STANDARD,
        "tools": [
            {
                "name": tool.name,
                "description": tool.description,
                "effect": tool.effect,
                "approval": "by rule" if callable(tool.approval) else tool.approval,
                "roles": list(tool.roles),
            }
            for tool in (agent.tools if agent else ())
        ],
    }
