"""Approval rules: list, read, grant, revoke."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from runs.api.action_bodies import GrantRule
from runs.api.action_documents import RuleSerializer
from runs.api.rows import RowViewSet, verb
from runs.api.strict_body import Empty
from runs.models import ApprovalRule
from runs.operations.actions.rules import grant_rule, revoke_rule


class ApprovalRuleViewSet(RowViewSet[ApprovalRule]):
    """Approval rules of the token's tenant."""

    queryset = ApprovalRule.objects.select_related("tenant", "granted_by", "revoked_by")
    serializer_class = RuleSerializer
    ordering = ("-granted_at", "-id")
    looks_at_job_types = frozenset({"create"})
    reads, writes = "actions:read", "actions:decide"

    @extend_schema(request=GrantRule, responses={201: RuleSerializer})
    def create(self, request: Request) -> Response:
        """Approve low-risk calls of a tool in advance, within bounds."""
        body = self.read(GrantRule)
        self.expect_job_type(body.job_type)
        rule = grant_rule(body.rule(), tenant=self.tenant, user=self.user)
        return self.respond(rule, status=201)

    revoke = verb(revoke_rule, Empty, "End a rule at once.", name="revoke")
