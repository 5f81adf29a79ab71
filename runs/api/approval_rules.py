"""Approval rules: list, read, grant, revoke."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from runs.api.action_bodies import GrantRule
from runs.api.action_documents import RuleSerializer
from runs.api.pagination import ByGrant
from runs.api.strict_body import Empty
from runs.api.tenant_view import TenantView
from runs.models import ApprovalRule
from runs.operations.actions.rules import grant_rule, revoke_rule


class ApprovalRuleViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TenantView, GenericViewSet[ApprovalRule]):
    """Approval rules of the token's tenant."""

    queryset = ApprovalRule.objects.all()
    serializer_class = RuleSerializer
    pagination_class = ByGrant
    lookup_value_converter = "uuid"
    looks_at_job_types = frozenset({"create"})
    scopes = {
        "list": "actions:read",
        "retrieve": "actions:read",
        "create": "actions:decide",
        "revoke": "actions:decide",
    }

    def get_queryset(self) -> QuerySet[ApprovalRule]:
        """Select only the tenant's own rules."""
        if getattr(self, "swagger_fake_view", False):
            return ApprovalRule.objects.none()
        own = ApprovalRule.objects.filter(tenant=self.tenant)
        return own.select_related("tenant", "granted_by", "revoked_by")

    @extend_schema(request=GrantRule, responses={201: RuleSerializer})
    def create(self, request: Request) -> Response:
        """Approve low-risk calls of a tool in advance, within bounds."""
        body = GrantRule.read(request.data)
        self.expect_job_type(body.job_type)
        rule = grant_rule(body.rule(), tenant=self.tenant, user=self.user)
        return Response(RuleSerializer(rule).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=Empty, responses=RuleSerializer)
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, pk: Any = None) -> Response:
        """End a rule at once."""
        self.expect_no_fields()
        return Response(RuleSerializer(revoke_rule(self.get_object(), user=self.user)).data)
