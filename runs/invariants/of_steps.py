"""Invariants of steps: numbered, fenced, done once under one effect key, answered."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any
from uuid import UUID

from django.db.models import Case, Count, F, Max, Min, OuterRef, Q, TextField, Value, When
from django.db.models.functions import Cast, Coalesce

from runs.invariants.breach import CHUNK, Breach, as_text, each, read
from runs.models import PendingAction, RunEvent, Step
from runs.models.fields import hash_text
from runs.states import STEP_DONE, ActionKind, ActionStatus, Effect, StepKind, StepStatus


def fences_and_numbers() -> Iterator[Breach]:
    """I3, I4: no step is newer than its run's claim; steps are numbered from 1 without gaps."""
    yield from each(3, Step.objects.filter(fence__gt=F("run__fence")), "step {seq} has fence {fence}")
    counted = Step.objects.order_by().values("run").annotate(count=Count("pk"), first=Min("seq"), last=Max("seq"))
    yield from each(4, counted.exclude(first=1, last=F("count")), "{count} steps from {first} to {last}")


def results_are_whole() -> Iterator[Breach]:
    """I6: a completed step has a result that matches its hash, and does not end before it began."""
    done = Step.objects.filter(status=StepStatus.COMPLETED)
    # As text, since the hash is of the text: parsing and dumping the JSON would only cost time.
    texts = done.values_list("run", "seq", as_text("result"), "result_hash")
    for run, seq, text, expected in texts.order_by().iterator(CHUNK):
        if text is None or hash_text(text) != expected:
            yield Breach(6, str(run), f"the result of step {seq} does not fit its hash")
    wrong = done.filter(Q(finished_at=None) | Q(finished_at__lt=F("started_at")))
    yield from each(6, wrong, "step {seq} has no end, or one before it began")


def effects_had_an_intent() -> Iterator[Breach]:
    """I9: a completed effect had an intent: its time, try and effect key."""
    effects = Step.objects.filter(status=StepStatus.COMPLETED, reused_from=None).exclude(effect__in=["", Effect.READ])
    bare = effects.filter(Q(started_at=None) | Q(attempt=0) | Q(effect_key=None))
    return each(9, bare, "step {seq} has an effect, but no intent")


def one_key_for_all_tries() -> Iterator[Breach]:
    """I8: an effect key depends only on run and position, so all tries share it and no other step has it."""
    keyed = Step.objects.filter(effect_key__isnull=False).order_by().values_list("run", "seq", "effect_key")
    for run, seq, key in keyed.iterator(CHUNK):
        if key != f"{UUID(str(run)).hex}-{seq}":
            yield Breach(8, str(run), f"step {seq} has the effect key {key}")


def unsafe_effects_once() -> Iterator[Breach]:
    """I7: an unsafe step was tried once, and once more for each refusal and for each decision to repeat it."""
    again = PendingAction.objects.filter(
        step=OuterRef("pk"),
        kind=ActionKind.OUTCOME,
        status=ActionStatus.RESOLVED,
        decision__contains="did_not_happen",
    )
    repeats = again.order_by().values("step").annotate(count=Count("pk")).values("count")
    tried = Step.objects.filter(effect=Effect.UNSAFE, attempt__gt=1).annotate(allowed=Coalesce(repeats, Value(0)) + 1)
    for step in tried.filter(attempt__gt=F("allowed")).only("run_id", "seq", "attempt"):
        if step.attempt > step.allowed + _refusals(step):
            yield Breach(7, str(step.run_id), f"unsafe step {step.seq} was tried {step.attempt} times unasked")


def _refusals(step: Step) -> int:
    """Count the tries that the other side refused, which therefore did nothing. One query, but such steps are rare."""
    events = RunEvent.objects.filter(run=step.run_id, kind="step.put_back").values_list(as_text("data"), flat=True)
    return sum(read(text, "step") == step.seq and read(text, "error") != "WorkerLost" for text in events)


def calls_are_answered() -> Iterator[Breach]:
    """I3, I14: each `tool_use` is one step, done before the model is asked again, and not by an older claim."""
    answer = Case(
        When(kind=StepKind.MODEL_CALL, status=StepStatus.COMPLETED, then=Cast("result", TextField())),
        output_field=TextField(),
    )
    columns = ("run", "seq", "kind", "status", "fence", "tool_use_id", "content")
    steps = Step.objects.order_by("run", "seq").annotate(content=answer).values_list(*columns, named=True)
    for _, story in groupby(steps.iterator(CHUNK), key=lambda step: step.run):
        yield from _of_story(list(story))


def _of_story(story: list[Any]) -> Iterator[Breach]:
    wanted: list[str] = []
    turn: list[Any] = []
    newest = 0
    for step in story:
        if step.kind == StepKind.MODEL_CALL:
            yield from _before_asking(step, turn, wanted, newest)
            turn, wanted = [], _tool_uses(step.content)
            if step.content and read(step.content, "content") is None:
                yield Breach(14, str(step.run), f"the answer of step {step.seq} cannot be read")
        elif step.kind == StepKind.TOOL_CALL:
            turn.append(step)
            if step.tool_use_id in wanted:
                wanted.remove(step.tool_use_id)
            else:
                yield Breach(14, str(step.run), f"step {step.seq} answers {step.tool_use_id!r}, not asked")
        newest = max(newest, step.fence)
    if wanted:
        yield Breach(14, str(story[0].run), f"no step for {', '.join(wanted)}")


def _before_asking(step: Any, turn: list[Any], wanted: list[str], newest: int) -> Iterator[Breach]:
    if step.status != StepStatus.PLANNED and any(other.status not in STEP_DONE for other in turn):
        yield Breach(14, str(step.run), f"step {step.seq} asked the model before all calls were done")
    if wanted:
        yield Breach(14, str(step.run), f"no step for {', '.join(wanted)}")
    if 0 < step.fence < newest:
        yield Breach(3, str(step.run), f"step {step.seq} was begun by an older claim than a step before it")


def _tool_uses(content: str | None) -> list[str]:
    blocks = read(content, "content")
    calls = [block for block in blocks if isinstance(block, dict)] if isinstance(blocks, list) else []
    return [str(block.get("id")) for block in calls if block.get("type") == "tool_use"]
