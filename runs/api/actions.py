"""Pending actions: list, read, decide, delegate."""

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from runs.api.action_bodies import (
    Approve,
    Bulk,
    Escalate,
    Raise,
    Reassign,
    Reject,
    Resolve,
    Words,
)
from runs.api.action_documents import ActionSerializer, BulkResultSerializer, OneActionSerializer
from runs.api.bodies import Message
from runs.api.filters import ActionFilter
from runs.api.pagination import ByRequest
from runs.api.serializers import money
from runs.api.strict_body import Body
from runs.api.tenant_view import TenantView
from runs.models import PendingAction
from runs.operations.actions.answer import answer
from runs.operations.actions.approve import approve
from runs.operations.actions.bulk import counts, decide_all, in_order, preview
from runs.operations.actions.delegate import ask, escalate, reassign, reply
from runs.operations.actions.raise_budget import raise_budget
from runs.operations.actions.reject import reject
from runs.operations.actions.resolve import resolve

_DECIDING = ("approve", "reject", "resolve", "answer", "raise_", "ask", "reply", "reassign", "escalate", "bulk")


class ActionViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TenantView, GenericViewSet[PendingAction]):
    """Pending actions of the token's tenant."""

    queryset = PendingAction.objects.all()
    serializer_class = ActionSerializer
    pagination_class = ByRequest
    filterset_class = ActionFilter
    lookup_value_converter = "uuid"
    looks_at_job_types = frozenset({"bulk"})
    scopes = {"list": "actions:read", "retrieve": "actions:read"} | dict.fromkeys(_DECIDING, "actions:decide")

    def get_queryset(self) -> QuerySet[PendingAction]:
        """Select only the tenant's own actions."""
        if getattr(self, "swagger_fake_view", False):
            return PendingAction.objects.none()
        own = PendingAction.objects.filter(tenant=self.tenant)
        return own.select_related("step", "decided_by", "run", "assignee").prefetch_related("approvals__user")

    @extend_schema(responses=OneActionSerializer)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Read one action with its thread."""
        return Response(OneActionSerializer(self.get_object()).data)

    @extend_schema(request=Approve, responses=ActionSerializer)
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, pk: Any = None) -> Response:
        """Approve the call, with other arguments if given; for a budget, raise it.

        If several people must agree, the action stays open until they have: `approvals_needed`, `approvals`. With
        `seen`, the `bound_hash` that the person saw, the answer is 409 if the call was edited since.
        """
        return self._say(approve, Approve)

    @extend_schema(request=Reject, responses=ActionSerializer)
    @action(detail=True, methods=["post"])
    def reject(self, request: Request, pk: Any = None) -> Response:
        """Reject the call; the note tells the model why."""
        return self._say(reject, Reject)

    @extend_schema(request=Resolve, responses=ActionSerializer)
    @action(detail=True, methods=["post"])
    def resolve(self, request: Request, pk: Any = None) -> Response:
        """Say whether an effect whose result was lost has happened."""
        return self._say(resolve, Resolve)

    @extend_schema(request=Message, responses=ActionSerializer)
    @action(detail=True, methods=["post"])
    def answer(self, request: Request, pk: Any = None) -> Response:
        """Answer a question, as a message to its run would."""
        return self._say(answer, Message)

    @extend_schema(request=Raise, responses=ActionSerializer)
    @action(detail=True, methods=["post"], url_path="raise")
    def raise_(self, request: Request, pk: Any = None) -> Response:
        """Raise the run's `max_cost_usd`, or add an amount to the full budget, depending on the arguments."""
        return self._say(_raise, Raise)

    @extend_schema(request=Words, responses=ActionSerializer)
    @action(detail=True, methods=["post"])
    def ask(self, request: Request, pk: Any = None) -> Response:
        """Ask the person who posted the run for information; the action stays open."""
        return self._say(ask, Words)

    @extend_schema(request=Words, responses=ActionSerializer)
    @action(detail=True, methods=["post"])
    def reply(self, request: Request, pk: Any = None) -> Response:
        """Reply to a question, or add information for the deciders."""
        return self._say(reply, Words)

    @extend_schema(request=Reassign, responses=ActionSerializer)
    @action(detail=True, methods=["post"])
    def reassign(self, request: Request, pk: Any = None) -> Response:
        """Assign the decision to one person."""
        return self._say(reassign, Reassign)

    @extend_schema(request=Escalate, responses=ActionSerializer)
    @action(detail=True, methods=["post"])
    def escalate(self, request: Request, pk: Any = None) -> Response:
        """Escalate to the admins of the tenant."""
        return self._say(escalate, Escalate)

    @extend_schema(request=Bulk, responses=BulkResultSerializer)
    @action(detail=False, methods=["post"])
    def bulk(self, request: Request) -> Response:
        """Decide many low-risk calls of one tool; each skipped one comes with a reason."""
        said = Bulk.read(request.data)
        actions = in_order(said.ids, list(self.get_queryset().filter(pk__in=said.ids)))
        for job_type in {one.run.job_type for one in actions}:
            self.expect_job_type(job_type)
        if said.dry_run:
            items = preview(actions, user=self.user)
        else:
            items = decide_all(actions, said.verb, user=self.user, note=said.note, seen=said.seen_by_id)
        return Response(BulkResultSerializer({"counts": counts(items), "items": items}).data)

    def _say(self, verb: Callable[..., PendingAction], body: type[Body]) -> Response:
        verb(self.get_object(), user=self.user, **dict(body.read(self.request.data)))
        return Response(ActionSerializer(self.get_object()).data)


def _raise(action: PendingAction, *, user: Any, note: str, **amounts: Any) -> PendingAction:
    arguments = {name: money(usd) for name, usd in amounts.items() if usd is not None}
    return raise_budget(action, user=user, arguments=arguments, note=note)
