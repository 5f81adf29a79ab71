"""Groups of dead letters with one cause: list, read, resolve, ignore, assign, reopen."""

from collections.abc import Callable, Sequence
from typing import Any

from django.db.models import Max, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from deadletters.api.bodies import AssignSerializer, IgnoreSerializer, NoteSerializer, assignee_named
from deadletters.api.documents import LetterGroupSerializer
from deadletters.api.lists import ByLastSeen, LetterGroupFilter
from deadletters.group_decisions import assign_group, ignore, reopen, resolve
from deadletters.models import LetterGroup
from deadletters.stats import shared_beyond, stats_of
from runs.api.bodies import StrictSerializer
from runs.api.tenant_view import TenantView


class DeadLetterGroupViewSet(TenantView, GenericViewSet[LetterGroup]):
    """Causes that the token's tenant met, with the stats of its own dead letters.

    A cause may be shared with other tenants. Its verbs need the role operator or admin in every tenant that met it, so
    a token can decide only about causes that no other tenant met; use the console for the rest.
    """

    queryset = LetterGroup.objects.all()
    serializer_class = LetterGroupSerializer
    pagination_class = ByLastSeen
    filterset_class = LetterGroupFilter
    lookup_value_converter = "uuid"
    scopes = {
        "list": "dead_letters:read",
        "retrieve": "dead_letters:read",
        "resolve": "dead_letters:write",
        "ignore": "dead_letters:write",
        "reopen": "dead_letters:write",
        "assign": "dead_letters:write",
    }

    def get_queryset(self) -> QuerySet[LetterGroup]:
        """Select groups with a dead letter of the tenant, by its own last one."""
        if getattr(self, "swagger_fake_view", False):
            return LetterGroup.objects.none()
        own = LetterGroup.objects.filter(letters__tenant=self.tenant.slug)
        return own.annotate(own_last_seen=Max("letters__failed_at")).select_related("assignee", "resolved_by")

    def list(self, request: Request) -> Response:
        """List the tenant's causes, latest failure first."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        return self.get_paginated_response(self._documents(page))

    def retrieve(self, request: Request, pk: Any = None) -> Response:
        """Read one cause."""
        return Response(self._documents([self.get_object()])[0])

    @extend_schema(request=NoteSerializer, responses=LetterGroupSerializer)
    @action(detail=True, methods=["post"])
    def resolve(self, request: Request, pk: Any = None) -> Response:
        """Mark the cause as gone; its next dead letter makes the group `regressed`."""
        return self._decide(resolve, NoteSerializer)

    @extend_schema(request=IgnoreSerializer, responses=LetterGroupSerializer)
    @action(detail=True, methods=["post"])
    def ignore(self, request: Request, pk: Any = None) -> Response:
        """Stop mails about the cause until a time or a rate; dead letters are still stored and counted."""
        return self._decide(ignore, IgnoreSerializer)

    @extend_schema(request=NoteSerializer, responses=LetterGroupSerializer)
    @action(detail=True, methods=["post"])
    def reopen(self, request: Request, pk: Any = None) -> Response:
        """Reopen a resolved or ignored cause."""
        return self._decide(reopen, NoteSerializer)

    @extend_schema(request=AssignSerializer, responses=LetterGroupSerializer)
    @action(detail=True, methods=["post"])
    def assign(self, request: Request, pk: Any = None) -> Response:
        """Assign the cause to a user of the tenant."""
        return self._decide(assign_group, AssignSerializer)

    def _decide(self, verb: Callable[..., None], body_class: type[StrictSerializer]) -> Response:
        body = body_class(data=self.request.data)
        body.is_valid(raise_exception=True)
        said, group = dict(body.validated_data), self.get_object()
        if "user" in said:
            said["assignee"] = assignee_named(said.pop("user"), [self.tenant.slug])
        verb(group, user=self.user, **said)
        return Response(self._documents([self.get_object()])[0])

    def _documents(self, groups: Sequence[LetterGroup]) -> Sequence[Any]:
        own = [self.tenant.slug]
        context = {
            "stats": stats_of(groups, tenants=own),
            "shared": shared_beyond(groups, own),
        }
        return tuple(LetterGroupSerializer(groups, many=True, context=context).data)
