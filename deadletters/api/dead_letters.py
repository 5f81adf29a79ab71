"""Dead letters: list, read, preview, replay, discard, assign, make a manual task."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from deadletters import decisions
from deadletters.api.bodies import Assign, Discard, Note, Replay, Task
from deadletters.api.documents import DeadLetterSerializer, PreviewSerializer
from deadletters.api.lists import DeadLetterFilter, LetterViewSet
from deadletters.models import DeadLetter
from deadletters.replay import preview, replay
from runs.api.pagination import whole_number
from runs.api.rows import verb

_FROM_STEP = OpenApiParameter(
    "from_step",
    {"type": "integer", "minimum": 1, "maximum": 999_999_999},
    description="Same as `from_step` of `replay`.",
)


def _replay(letter: DeadLetter, *, user: Any, input: Any, from_step: int | None) -> None:
    replay(letter, user=user, new_input=input, from_step=from_step)


class DeadLetterViewSet(LetterViewSet[DeadLetter]):
    """Dead letters of the token's tenant."""

    queryset = DeadLetter.objects.select_related("assignee", "decided_by")
    serializer_class = DeadLetterSerializer
    filterset_class = DeadLetterFilter
    ordering = ("-failed_at", "-id")

    @extend_schema(responses=PreviewSerializer, parameters=[_FROM_STEP], filters=False)
    @action(detail=True, filterset_class=None, pagination_class=None, query_parameters=frozenset({"from_step"}))
    def preview(self, request: Request, pk: Any = None) -> Response:
        """Preview what a replay would do, or why it would be refused; new input equals `from_step` 1."""
        from_step = whole_number(request, "from_step")
        return Response(PreviewSerializer(preview(self.get_object(), from_step=from_step)).data)

    replay = verb(
        _replay,
        Replay,
        "Continue the failed run after its last good step, or start a new one from a step or with other input.",
        name="replay",
        document=DeadLetterSerializer,
        status=202,
    )
    discard = verb(decisions.discard, Discard, "Close the dead letter without a replay; the run stays failed.")
    assign = verb(decisions.assign, Assign, "Assign the dead letter to a user of the tenant; it stays live.")
    task = verb(
        decisions.make_task,
        Task,
        "Make the dead letter a manual task of a user of the tenant, due at a time.",
        name="task",
    )
    done = verb(
        decisions.finish_task,
        Note,
        "Close an assigned dead letter as done: a person did by hand what the run could not.",
        name="done",
    )
