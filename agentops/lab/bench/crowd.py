"""A crowd of runs that wait for a person, made honestly: one run waits for real, the others are its copies.

So every row is one that the engine writes, and `check_invariants` has nothing to say about it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any, TypeVar
from uuid import uuid4

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Model, QuerySet

from agentops.lab.bench.agents import BenchWaiter, bench_pay
from runs.engine.advance import advance
from runs.engine.outcomes import Waiting
from runs.engine.provider import Answer, answered_by
from runs.maintenance.notify import notify_deciders
from runs.models import ModelCall, PendingAction, Run, RunEvent, Step, Tenant
from runs.models.fields import new_id
from runs.operations.post_run import RunRequest, post_run
from runs.queue.claim import claim_next

_BATCH = 500
_TABLES: tuple[type[Model], ...] = (PendingAction, ModelCall, Step, RunEvent)
M = TypeVar("M", bound=Model)


def one_that_waits(*, tenant: Tenant, user: AbstractBaseUser) -> Run:
    """Post a run and work on it until it waits for an approval. No worker may serve its queue meanwhile."""
    request = RunRequest(job_type=BenchWaiter.name, input={"text": "pay"})
    run, _ = post_run(request, tenant=tenant, user=user, origin="bench")
    claimed = claim_next([run.queue], worker_id=uuid4(), worker_name="bench")
    assert claimed
    with answered_by(_propose):
        outcome = advance(*claimed)
    assert outcome == Waiting(), outcome
    notify_deciders()  # as the first sweep does; the next reminder is a day away
    return Run.objects.get(pk=run.pk)


def gather_crowd(first: Run, *, count: int) -> None:
    """Let this many runs wait, this one included."""
    rows = {table: list(table._default_manager.filter(run=first)) for table in _TABLES}
    for start in range(1, count, _BATCH):
        numbers = range(start, min(count, start + _BATCH))
        _store(copy for number in numbers for copy in _copies(first, rows, number))


def disperse_crowd(first: Run) -> None:
    """Let only this one wait."""
    crowd = Run.objects.filter(job_type=first.job_type).exclude(pk=first.pk)
    with transaction.atomic():
        for table in _TABLES:
            _delete(table._default_manager.filter(run__in=crowd.values("pk")))
        _delete(crowd)


def _delete(rows: QuerySet[Any]) -> None:
    """Delete by one statement; Django's own `delete` would read each row first."""
    rows.order_by()._raw_delete(rows.db)


def _propose(request: dict[str, Any], **_: Any) -> Answer:
    call = {"type": "tool_use", "id": "toolu_1", "name": bench_pay.name, "input": {"amount": 7}}
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": request["model"],
        "content": [call],
        "stop_reason": "tool_use",
        "usage": {"input_tokens": 900, "output_tokens": 100},
    }
    return Answer(message=message, request_id="req_bench")


def _copies(run: Run, rows: dict[type[Model], list[Any]], number: int) -> Iterator[Model]:
    """Copy a run with all that it has written, under new ids wherever an id stands; each a little later."""
    run_id, later = uuid4(), timedelta(milliseconds=number)
    steps = {step.pk: new_id() for step in rows[Step]}
    actions = {str(action.pk): uuid4() for action in rows[PendingAction]}
    yield _copy(run, id=run_id, created_at=run.created_at + later)
    for step in rows[Step]:
        key = step.effect_key and step.effect_key.replace(run.pk.hex, run_id.hex)
        yield _copy(step, id=steps[step.pk], run_id=run_id, effect_key=key)
    for call in rows[ModelCall]:
        yield _copy(call, id=new_id(), run_id=run_id, step_id=steps[call.step_id])
    for action in rows[PendingAction]:
        yield _copy(
            action,
            id=actions[str(action.pk)],
            run_id=run_id,
            step_id=steps[action.step_id],
            effect_key=action.effect_key.replace(run.pk.hex, run_id.hex),
            requested_at=action.requested_at + later,
            expires_at=action.expires_at + later,
        )
    for event in rows[RunEvent]:
        data = event.data | ({"action": str(actions[event.data["action"]])} if "action" in event.data else {})
        yield _copy(event, id=None, run_id=run_id, data=data)


def _copy(row: M, **columns: Any) -> M:
    present = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
    return type(row)(**(present | columns))


def _store(copies: Iterable[Model]) -> None:
    by_table: dict[type[Model], list[Any]] = defaultdict(list)
    for copy in copies:
        by_table[type(copy)].append(copy)
    with transaction.atomic():
        for table, rows in by_table.items():  # in the order in which they need each other
            table._default_manager.bulk_create(rows)
