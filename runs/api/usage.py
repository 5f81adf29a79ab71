"""Usage: the spending of the token's tenant, by any of the ledger's keys."""

import re
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.renderers import StaticHTMLRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from runs import clock
from runs.api.documents import Amount, Moment
from runs.api.moments import DAY, MOMENT
from runs.api.policies import Json
from runs.api.tenant_view import TenantView
from runs.errors import InvalidInputError
from runs.operations.usage import EXPECTED, KEYS, Sums, moment_in, usage_by
from runs.operations.usage_documents import as_csv, as_document

_TIME = "A span back from now such as `30d` or `12h`, a day, or a time with its zone; the default is "
_DEFAULTS = {"by": "model", "since": "30d", "until": "0h"}
_ONE_KEY = f" *({'|'.join((*KEYS, 'agent'))}) *"
_PAST = rf"[0-9]{{1,5}}[hdw]|{DAY}|{MOMENT}"
_PATTERNS = {"by": f"^{_ONE_KEY}(,{_ONE_KEY})*$", "since": f"^({_PAST})$", "until": f"^({_PAST})$"}


def _schema_of(name: str) -> dict[str, str]:
    return {"type": "string", "pattern": _PATTERNS[name], "default": _DEFAULTS[name]}


class SumsSerializer(serializers.Serializer[Any]):
    """The sums of some calls. `cost_usd` includes `presumed_usd`; `reserved_usd` is held by calls in flight."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Describe each sum of the ledger."""
        sums = {one.name: Amount() if one.type is Decimal else serializers.IntegerField() for one in fields(Sums)}
        return super().get_fields() | sums


class UsageRowSerializer(SumsSerializer):
    """The sums of one row, and the values of the requested keys."""

    tenant = serializers.CharField(required=False)
    user = serializers.CharField(required=False)
    job_type = serializers.CharField(required=False)
    origin = serializers.CharField(required=False)
    model = serializers.CharField(required=False)
    day = serializers.DateField(required=False, help_text="In UTC.")
    status = serializers.CharField(required=False, help_text="`settled`, `presumed`, or `started`: in flight.")


class UsageDocumentSerializer(serializers.Serializer[Any]):
    """An answer, always on one page."""

    by = serializers.ListField(child=serializers.CharField())
    since = Moment()
    until = Moment()
    results = UsageRowSerializer(many=True)
    next = serializers.CharField(allow_null=True)
    total = SumsSerializer()


class CsvRenderer(StaticHTMLRenderer):
    """Passes CSV on, as its base does with HTML."""

    media_type = "text/csv"
    format = "csv"


class UsageView(TenantView):
    """The tenant's ledger, summed up."""

    reads = "usage:read"
    query_parameters = frozenset(_DEFAULTS)
    renderer_classes = [Json, CsvRenderer]

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """Choose the format. Raises: InvalidInputError for an unknown format, where DRF would answer 404."""
        try:
            return super().perform_content_negotiation(request, force)
        except Http404 as error:
            raise InvalidInputError({"format": ["There is no such form; give json or csv."]}) from error

    @extend_schema(
        parameters=[
            OpenApiParameter("by", _schema_of("by"), description=f"Keys of {', '.join(KEYS)}; default `model`."),
            OpenApiParameter("since", _schema_of("since"), description=f"{_TIME}`30d`."),
            OpenApiParameter("until", _schema_of("until"), description=f"{_TIME}now."),
        ],
        responses={(200, "application/json"): UsageDocumentSerializer, (200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request) -> Response:
        """Sum up the tenant's model calls, as JSON, or as CSV with `Accept: text/csv` or `format=csv`."""
        now = clock.now()
        asked = _DEFAULTS | request.query_params.dict()
        usage = usage_by(
            [key.strip(" ") for key in asked["by"].split(",")],
            since=_moment(asked, "since", now=now),
            until=_moment(asked, "until", now=now),
            tenant=self.tenant,
        )
        wants_csv = request.accepted_renderer.format == CsvRenderer.format
        return Response(as_csv(usage) if wants_csv else as_document(usage))


def _moment(asked: dict[str, str], name: str, *, now: datetime) -> datetime:
    try:
        if not re.fullmatch(_PAST, asked[name]):
            raise ValueError(EXPECTED)
        return moment_in(asked[name], now=now)
    except ValueError as error:
        raise InvalidInputError({name: [str(error)]}) from error
