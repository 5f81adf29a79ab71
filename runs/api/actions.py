"""Pending actions: list, read, decide, delegate."""

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from runs.api.action_bodies import Approve, Bulk, Escalate, Raise, Reassign, Reject, Resolve, Words
from runs.api.action_documents import ActionSerializer, BulkResultSerializer, OneActionSerializer
from runs.api.bodies import Message
from runs.api.documents import money
from runs.api.filters import ActionFilter
from runs.api.rows import RowViewSet, verb
from runs.models import PendingAction
from runs.operations.actions.answer import answer
from runs.operations.actions.approve import approve
from runs.operations.actions.bulk import counts, decide_all, in_order, preview
from runs.operations.actions.delegate import ask, escalate, reassign, reply
from runs.operations.actions.raise_budget import raise_budget
from runs.operations.actions.reject import reject
from runs.operations.actions.resolve import resolve


def _raise(action: PendingAction, *, user: Any, note: str, **amounts: Any) -> PendingAction:
    arguments = {name: money(usd) for name, usd in amounts.items() if usd is not None}
    return raise_budget(action, user=user, arguments=arguments, note=note)


@extend_schema_view(retrieve=extend_schema(description="Read one action with its thread."))
class ActionViewSet(RowViewSet[PendingAction]):
    """Pending actions of the token's tenant."""

    queryset = PendingAction.objects.select_related("step", "decided_by", "run", "assignee").prefetch_related(
        "approvals__user"
    )
    filterset_class = ActionFilter
    ordering = ("-requested_at", "-id")
    looks_at_job_types = frozenset({"bulk"})
    reads, writes = "actions:read", "actions:decide"

    def get_serializer_class(self) -> type[ActionSerializer]:
        """Show the thread of an action that is read alone."""
        return OneActionSerializer if self.action == "retrieve" else ActionSerializer

    approve = verb(
        approve,
        Approve,
        """Approve the call, with other arguments if given; for a budget, raise it.

        If several people must agree, the action stays open until they have: `approvals_needed`, `approvals`. With
        `seen`, the `bound_hash` that the person saw, the answer is 409 if the call was edited since.
        """,
    )
    reject = verb(reject, Reject, "Reject the call; the note tells the model why.")
    resolve = verb(resolve, Resolve, "Say whether an effect whose result was lost has happened.")
    answer = verb(answer, Message, "Answer a question, as a message to its run would.")
    raise_ = verb(
        _raise,
        Raise,
        "Raise the run's `max_cost_usd`, or add an amount to the full budget, depending on the arguments.",
        name="raise_",
    )
    ask = verb(ask, Words, "Ask the person who posted the run for information; the action stays open.")
    reply = verb(reply, Words, "Reply to a question, or add information for the deciders.")
    reassign = verb(reassign, Reassign, "Assign the decision to one person.")
    escalate = verb(escalate, Escalate, "Escalate to the admins of the tenant.")

    @extend_schema(request=Bulk, responses=BulkResultSerializer)
    @action(detail=False, methods=["post"])
    def bulk(self, request: Request) -> Response:
        """Decide many low-risk calls of one tool; each skipped one comes with a reason."""
        said = self.read(Bulk)
        actions = in_order(said.ids, list(self.get_queryset().filter(pk__in=said.ids)))
        for job_type in {one.run.job_type for one in actions}:
            self.expect_job_type(job_type)
        if said.dry_run:
            items = preview(actions, user=self.user)
        else:
            items = decide_all(actions, said.verb, user=self.user, note=said.note, seen=said.seen_by_id)
        return Response(BulkResultSerializer({"counts": counts(items), "items": items}).data)
