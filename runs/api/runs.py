"""Runs: post, list, read, trace, cancel, retry, fork, answer."""

from typing import Any

from django.db.models import Prefetch
from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from runs.api.action_documents import ActionSerializer
from runs.api.bodies import Fork, Message, PostRun
from runs.api.filters import RunFilter
from runs.api.pagination import BySequence
from runs.api.problems import problem
from runs.api.rows import RowViewSet, verb
from runs.api.serializers import ConflictSerializer, PostedRunSerializer, RunSerializer, StepSerializer
from runs.api.strict_body import Empty
from runs.errors import ConflictError, InvalidInputError
from runs.models import PendingAction, Run
from runs.operations.actions.answer import send_message
from runs.operations.cancel_run import cancel_run
from runs.operations.fork_run import fork_run
from runs.operations.post_run import Intake, Posted, RunRequest, post
from runs.operations.replay_run import retry_run
from runs.states import ENDED, Applied

_KEY = "Idempotency-Key"
_KEY_MAX = 255
_KEY_SCHEMA = {"type": "string", "pattern": "^[!-~]([ -~]*[!-~])?$", "maxLength": _KEY_MAX}


class RunViewSet(RowViewSet[Run]):
    """Runs of the token's tenant."""

    queryset = Run.objects.select_related("tenant", "requested_by", "queue_lane", "circuit_breaker").prefetch_related(
        Prefetch("actions", PendingAction.objects.select_related("budget_period__budget__tenant"))  # for `why`
    )
    serializer_class = RunSerializer
    filterset_class = RunFilter
    paged_actions = frozenset({"list", "steps"})
    looks_at_job_types = frozenset({"create"})
    reads, writes = "runs:read", "runs:write"

    @extend_schema(
        request=PostRun,
        responses={202: PostedRunSerializer, 200: PostedRunSerializer},
        parameters=[OpenApiParameter(_KEY, _KEY_SCHEMA, OpenApiParameter.HEADER)],
    )
    def create(self, request: Request) -> HttpResponseBase:
        """Post a run: store it, queue it and answer with its links; a worker does the work.

        202 also for a run joined by `join`. 200: nothing was created, because of `discard` or because a completed run
        is fresh enough; `conflict` says which.
        """
        body = self.read(PostRun)
        self.expect_job_type(body.job_type)
        intake = Intake(tenant=self.tenant, user=self.user, origin="api", idempotency_key=_key_of(request))
        try:
            posted = post(RunRequest(**dict(body)), intake)
        except ConflictError as error:  # not 409: the request is wrong, not the state
            errors = [{"field": _KEY, "message": str(error)}]
            return problem(422, error.code, str(error), errors=errors)
        answer = self._started(posted.run, status=_status_of(posted))
        if posted.conflict:
            answer.data["conflict"] = ConflictSerializer(posted.conflict).data
        return answer

    @extend_schema(responses=StepSerializer(many=True), filters=False)
    @action(detail=True, pagination_class=BySequence, ordering=("seq",), filterset_class=None)
    def steps(self, request: Request, pk: Any = None) -> Response:
        """Read the trace: every model call, tool call and wait, in order."""
        return self.respond_page(self.get_object().steps.all(), StepSerializer)

    cancel = verb(
        cancel_run,
        Empty,
        "Cancel a run: at once if no worker holds it, else at the worker's next boundary.",
        name="cancel",
    )
    retry = verb(
        retry_run,
        Empty,
        """Continue a failed run after its last good step, or make the next try of a `retrying` run now.

        409 if the run is neither, or its dead letter is closed. An open circuit still holds the run.
        """,
        document=RunSerializer,
        status=202,
        name="retry",
    )

    @extend_schema(request=Fork, responses={202: RunSerializer})
    @action(detail=True, methods=["post"])
    def fork(self, request: Request, pk: Any = None) -> Response:
        """Start a run that reuses the steps of an ended one before `from_step` and runs the rest again."""
        body = self.read(Fork)
        run = fork_run(self.get_object(), user=self.user, from_step=body.from_step, new_input=body.input)
        return self._started(run, status=202)

    @extend_schema(request=Message, responses={202: ActionSerializer})
    @action(detail=True, methods=["post"])
    def messages(self, request: Request, pk: Any = None) -> Response:
        """Answer the open question; with `end`, complete the run with this last message."""
        body = self.read(Message)
        answered = send_message(self.get_object(), user=self.user, text=body.text, end=body.end)
        return Response(ActionSerializer(answered).data, status=202)

    def _started(self, run: Run, *, status: int) -> Response:
        answer = self.respond(self.get_queryset().get(pk=run.pk), status=status)
        answer.headers["Location"] = answer.data["links"]["self"]
        return answer


def _status_of(posted: Posted) -> int:
    """Choose 200 if nothing more will happen, 202 if a run works for this request."""
    conflict = posted.conflict
    if conflict is None or conflict.is_new:
        return 202
    return 202 if conflict.applied == Applied.JOINED and posted.run.state not in ENDED else 200


def _key_of(request: Request) -> str | None:
    """Read the idempotency key. Raises: InvalidInputError if it is malformed."""
    key = request.headers.get(_KEY)
    if key is None:
        return None
    if not (0 < len(key) <= _KEY_MAX and key.isascii() and key.isprintable()):
        raise InvalidInputError({_KEY: [f"must be 1 to {_KEY_MAX} printable ASCII characters"]})
    return key
