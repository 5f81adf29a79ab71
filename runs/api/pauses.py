"""Pauses: the tenant's own, and those of all tenants, which only superusers set."""

from typing import Annotated

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from runs.api.documents import Document
from runs.api.rows import verb
from runs.api.selector import SelectorBody, SelectorViewSet
from runs.api.strict_body import NOTE_MAX_CHARS, Empty, Text, ZonedTime
from runs.models import Pause
from runs.operations.pauses import end_pause, pause


class PostPause(SelectorBody):
    """The body of `POST /pauses/`."""

    reason: Annotated[str, Text(NOTE_MAX_CHARS)]
    until: ZonedTime | None = None


class PauseSerializer(Document[Pause]):
    """A pause."""

    class Meta:
        model = Pause
        fields = "id queue job_type model tool tenant reason paused_by paused_at until ended_by ended_at".split()


class PauseViewSet(SelectorViewSet[Pause]):
    """Pauses of the token's tenant and of all tenants, ended ones included."""

    queryset = Pause.objects.select_related("tenant", "paused_by", "ended_by")
    serializer_class = PauseSerializer
    ordering = ("-paused_at", "-id")

    @extend_schema(request=PostPause, responses={201: PauseSerializer})
    def create(self, request: Request) -> Response:
        """Keep everything selected from starting, in this tenant; with `all_tenants`, in every tenant."""
        paused = Pause(**self.columns_of(self.read(PostPause)))
        return self.respond(pause(paused, user=self.user), status=201)

    end = verb("end", end_pause, Empty, "End a pause.")
