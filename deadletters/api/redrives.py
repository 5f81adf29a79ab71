"""Bulk redrives of dead letters: plan, watch, start, pause, resume, abort."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from deadletters.api.bodies import Note, Plan
from deadletters.api.documents import RedriveDetailSerializer, RedriveItemSerializer, RedriveSerializer
from deadletters.api.lists import LetterViewSet, RedriveFilter
from deadletters.models import DeadLetter, Redrive
from deadletters.redrive import actions
from deadletters.redrive.plan import plan
from runs.api.pagination import BySequence
from runs.api.rows import verb
from runs.api.strict_body import Empty


class RedriveViewSet(LetterViewSet[Redrive]):
    """Redrives of the token's tenant."""

    queryset = Redrive.objects.select_related("planned_by", "changed_by")
    filterset_class = RedriveFilter
    ordering = ("-planned_at", "-id")
    paged_actions = frozenset({"list", "items"})

    def get_serializer_class(self) -> type[RedriveSerializer]:
        """Leave the reasons out of the list: they cost a query each."""
        return RedriveSerializer if self.action == "list" else RedriveDetailSerializer

    @extend_schema(request=Plan, responses={201: RedriveDetailSerializer})
    def create(self, request: Request) -> Response:
        """Plan a redrive: count what would be sent, what not and why. Nothing is sent before `start`."""
        body = self.read(Plan)
        letters = DeadLetter.objects.filter(tenant=self.tenant.slug)
        return self.respond(plan(letters, body.selection, user=self.user, options=body.options), status=201)

    @extend_schema(responses=RedriveItemSerializer(many=True), filters=False)
    @action(detail=True, pagination_class=BySequence, ordering=("place",), filterset_class=None)
    def items(self, request: Request, pk: Any = None) -> Response:
        """List the state of each dead letter, in sending order."""
        return self.respond_page(self.get_object().items.all(), RedriveItemSerializer)

    start = verb(actions.start, Empty, "Start sending at the planned rate.")
    pause = verb(actions.pause, Note, "Stop sending until resumed; runs already sent go on.")
    resume = verb(actions.resume, Empty, "Resume at the same rate.")
    abort = verb(actions.abort, Note, "Stop sending for good; runs already sent go on.")
