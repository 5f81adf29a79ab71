"""Invariants of decisions: people are asked about unknowns, approvals bind, decisions are made once, cancels hold."""

from collections import defaultdict
from collections.abc import Iterator
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q

from runs.invariants.breach import CHUNK, Breach, as_text, each, read
from runs.models import Approval, PendingAction, RunEvent, Step
from runs.models.pending_action import STAYS_OPEN
from runs.states import ENDED, ActionKind, ActionStatus, StepStatus

_DECIDED = [s for s in ActionStatus if s not in (ActionStatus.OPEN, ActionStatus.CANCELLED)]
_CANCELS = ("run.cancel_requested", "run.cancelled")


def unknowns_are_asked_about() -> Iterator[Breach]:
    """I10: an unknown effect has an open action, or its run has ended."""
    asked = PendingAction.objects.filter(step=OuterRef("pk"), kind=ActionKind.OUTCOME, status=ActionStatus.OPEN)
    unknown = Step.objects.filter(~Exists(asked), status=StepStatus.UNKNOWN).exclude(run__status__in=ENDED)
    return each(10, unknown, "step {seq} is unknown and nobody is asked")


def nobody_is_asked_after_the_end() -> Iterator[Breach]:
    """I2: an ended run has no open action."""
    asking = PendingAction.objects.filter(status=ActionStatus.OPEN, run__status__in=ENDED)
    return each(2, asking, "has ended, but action {pk} is open")


def approvals_bind() -> Iterator[Breach]:
    """I11: a step that asked for approval began only after a timely approval of exactly its arguments."""
    of_step = PendingAction.objects.filter(step=OuterRef("pk"), kind=ActionKind.APPROVAL)
    in_time = Q(expires_at=None) | Q(decided_at__lte=F("expires_at")) | STAYS_OPEN
    agreed = Approval.objects.filter(action=OuterRef("pk"), bound_hash=OuterRef("bound_hash"))
    by_somebody = Q(Exists(agreed)) | Q(rule__isnull=False) | Q(bound_hash="")  # "": decided before approvals were rows
    good = of_step.filter(in_time, by_somebody, status=ActionStatus.APPROVED, arguments_hash=OuterRef("arguments_hash"))
    asked = of_step.filter(requested_at__lt=OuterRef("started_at"))
    begun = Step.objects.filter(Exists(asked), ~Exists(good), attempt__gt=0)
    return each(11, begun, "step {seq} began without an approval of its arguments")


def decided_once() -> Iterator[Breach]:
    """I12: a decided action was decided once, and the events of its run say how."""
    decided = PendingAction.objects.filter(status__in=_DECIDED).order_by().values_list("pk", "run", "status")
    actions: dict[str, tuple[UUID, str]] = {str(pk): (run, status) for pk, run, status in decided.iterator(CHUNK)}
    told: dict[str, list[str]] = defaultdict(list)
    events = RunEvent.objects.filter(kind__in=[f"action.{status}" for status in _DECIDED]).order_by()
    for run, seq, kind, text in events.values_list("run", "seq", "kind", as_text("data")).iterator(CHUNK):
        action = read(text, "action")
        if isinstance(action, str):
            told[action].append(kind.removeprefix("action."))
        else:
            yield Breach(12, str(run), f"event {seq}, {kind}, does not say of which action")
    for action, (run, status) in actions.items():
        if told[action] != [status]:
            how = ", ".join(told[action]) or "nothing"
            yield Breach(12, str(run), f"action {action} is {status}; its run has told {how}")


def nothing_after_cancel() -> Iterator[Breach]:
    """I13: no step began after a cancel request, unless a person has replayed the run since."""
    events = RunEvent.objects.filter(run=OuterRef("run"), seq__lt=OuterRef("seq"))
    replayed = RunEvent.objects.filter(
        run=OuterRef("run"), kind="run.replayed", seq__gt=OuterRef("seq"), seq__lt=OuterRef(OuterRef("seq"))
    )
    cancelled = events.filter(~Exists(replayed), kind__in=_CANCELS)
    cancelled_runs = RunEvent.objects.filter(kind__in=_CANCELS).values("run")
    begun = RunEvent.objects.filter(Exists(cancelled), run__in=cancelled_runs, kind="step.started")
    for run, seq, text in begun.values_list("run", "seq", as_text("data")).iterator(CHUNK):
        yield Breach(13, str(run), f"step {read(text, 'step')} began after the run was asked to cancel (event {seq})")
