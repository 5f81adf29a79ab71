"""Job types: what may be posted here."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from runs.api.documents import Computed, one_page
from runs.api.tenant_view import TenantView
from runs.declarations.catalog import job_types
from runs.declarations.job_types import Agent
from runs.states import Lane, OnConflict


class Declared(serializers.FloatField):
    """A number as it was declared: 600 stays 600."""

    def to_representation(self, value: Any) -> Any:
        """Leave it alone."""
        return value


class ToolSerializer(serializers.Serializer[Any]):
    """A tool of an agent."""

    name = serializers.CharField()
    description = serializers.CharField()
    effect = serializers.CharField()
    approval = Computed(
        lambda tool: "by rule" if callable(tool.approval) else tool.approval,
        serializers.CharField(help_text="`never`, `always` or `by rule`"),
    )
    roles = serializers.ListField(
        child=serializers.CharField(), help_text="The user of a run must hold one of them. Empty: none is needed."
    )


class JobTypeSerializer(serializers.Serializer[Any]):
    """A job type. A plain job has no model and no tools, whatever its class calls so."""

    name = serializers.CharField()
    form = serializers.CharField(help_text="`agent` or `job`")
    description = Computed(lambda one: one.description or (type(one).__doc__ or "").strip(), serializers.CharField())
    queue = serializers.CharField()
    input_schema = serializers.JSONField(source="input_json_schema")
    output_schema = serializers.JSONField(source="output_json_schema", allow_null=True)
    timeout_s = Computed(lambda one: one.timeout_s, Declared())
    max_cost_usd = serializers.CharField(allow_null=True)
    max_running_per_tenant = serializers.IntegerField(allow_null=True)
    on_conflict = serializers.ChoiceField(list(OnConflict), help_text="Policy while another run counts as the same.")
    unique_for_s = Computed(lambda one: one.unique_for_s, Declared(), allow_null=True)
    fresh_for_s = Computed(lambda one: one.fresh_for_s, Declared(), allow_null=True)
    model = Computed(
        lambda one: one.model if isinstance(one, Agent) else None, serializers.CharField(), allow_null=True
    )
    lane = Computed(
        lambda one: one.lane if isinstance(one, Agent) else Lane.STANDARD,
        serializers.CharField(help_text="`standard` or `batch`: the default of a run."),
    )
    tools = Computed(lambda one: one.tools if isinstance(one, Agent) else (), ToolSerializer(many=True))


class JobTypesView(TenantView):
    """The catalog."""

    reads = "runs:read"

    @extend_schema(responses=one_page("JobTypes", JobTypeSerializer))
    def get(self, request: Request) -> Response:
        """List every job type that the token may post, with the schema of its input."""
        own = [one for one in job_types() if self.token.acts_on(one.name)]
        return Response({"results": JobTypeSerializer(own, many=True).data, "next": None})
