"""The one way in which a run changes.

`transition` is a compare-and-set: one UPDATE filtered on id, present status and whatever else the caller demands. Zero
rows mean that somebody else was faster, and the caller stops. Status, steps, counts of the lane and events
are written together, so no reader ever sees one without the others: on PostgreSQL by one statement, on SQLite by a
few in one transaction. A run that may be claimed from then on is announced, so that no caller can forget it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.db.models import Field

from runs import clock
from runs.errors import InvalidTransitionError, StaleRunError
from runs.models.circuit_breaker import CircuitBreaker
from runs.models.people import ACTOR_MAX_CHARS
from runs.models.prepared_statements import prepared_cursor
from runs.models.queue_lane import join_lane, lane_update, sibling_lanes_update
from runs.models.redacted_columns import stored
from runs.models.revoked_tool import RevokedTool
from runs.models.run import Run, hold_reason_after
from runs.models.run_event import RunEvent
from runs.models.run_lock import is_exclusive, release_lock
from runs.models.sql import Increment, RowSet, Sql, Statement, adapt, assignments
from runs.models.step import Step
from runs.models.tenant import Membership, Tenant
from runs.states import ENDED, RunStatus, may_move

_EVENTS = f'INSERT INTO "{RunEvent._meta.db_table}" ("run_id", "seq", "kind", "actor", "data", "at")'


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a run."""

    kind: str
    data: Mapping[str, Any] = field(default_factory=dict)
    actor: str = ""


@dataclass(frozen=True, slots=True)
class Guard:
    """What a change demands of the run's row besides its status. Nothing is demanded unless said."""

    fence: int | None = None  # this claim is still the newest
    not_cancelled: bool = False  # nobody has asked to cancel it
    not_interrupted: bool = False  # nobody has, or the call in flight may still finish
    lease_expired: bool = False
    owner_active: bool = False  # its user is enabled and a member of its tenant, which is not suspended
    roles: Sequence[str] = ()  # of which its user holds one in its tenant
    circuit: tuple[str, str] | None = None  # (provider, model): closed, or this very claim probes it
    tool: str | None = None  # has not been revoked


NO_GUARD = Guard()


Write = Callable[..., Statement | None]
"""Builds what is written with a run's change, as `UpsertTable.write`; nothing, if the change does not touch it."""


def transition(
    run: Run,
    *,
    to: RunStatus | None = None,
    events: Sequence[Event] = (),
    rows: Sequence[RowSet] = (),
    only: Guard = NO_GUARD,
    served_at: float | None = None,
    **columns: Any,
) -> None:
    """Change a run from the status it is believed to have, record the events, and write the rows that belong to it.

    Without `to` the status stays and must still be what `run` says. Columns of `run` itself are brought up to date.
    A claim gives `served_at` (Unix time), by which the run's lane goes to the back.

    Raises: InvalidTransitionError if no such move exists; StaleRunError if somebody else was faster.
    """
    before, after = run.state, to or run.state
    if to and not may_move(before, to):
        raise InvalidTransitionError(f"a run that is {before} cannot become {to}")
    updates = (_columns_of(to) if to else {}) | columns
    if to:
        updates = _hold_columns(run, to, updates) | updates
    moving: dict[str, Any] = {"status": after} if to else {}  # SQLite writes each index of a column that is set
    if events:
        moving["event_seq"] = Increment(len(events))
    update = _update(run, updates | moving, only)
    is_held = updates.get("hold_reason", run.hold_reason) != ""
    lane = partial(lane_update, run, before, after, is_held=is_held, served_at=served_at)
    writes: list[Write] = [*(batch.write for batch in rows if batch.rows), lane]
    if served_at is not None:
        writes.append(partial(sibling_lanes_update, run, served_at))
    if to in ENDED and is_exclusive(run):
        writes.append(partial(release_lock, run))
    newest = _write(run, update, events, writes)
    run.status, run.event_seq = after, newest
    _bring_up_to_date(run, updates)
    if to == RunStatus.QUEUED or "hold_reason" in updates:
        _announce(run)


def _bring_up_to_date(run: Run, updates: Mapping[str, Any]) -> None:
    for name, value in updates.items():
        if not isinstance(value, Sql | Increment):
            setattr(run, name, _as_stored(name, value))


def _as_stored(name: str, value: Any) -> Any:
    field = Run._meta.get_field(name)
    return stored(field, value) if isinstance(field, Field) else value


def begin(run: Run, *, actor: str, steps: Sequence[Step] = ()) -> None:
    """Store a new run of `event_seq` 1: its steps, its first event, its place in its lane. Needs a transaction."""
    run.save(force_insert=True)
    Step.objects.bulk_create(steps)
    RunEvent.objects.create(run=run, seq=1, kind=f"run.{run.status}", actor=actor[:ACTOR_MAX_CHARS], at=run.created_at)
    join_lane(run)
    _announce(run)


_listeners: list[Callable[[str], object]] = []


def when_queued(listener: Callable[[str], object]) -> None:
    """Call this with the queue's name whenever one of its runs may be claimed; the transaction is still open."""
    _listeners.append(listener)


def _announce(run: Run) -> None:
    if run.state == RunStatus.QUEUED and not run.circuit_breaker_id:
        for listener in _listeners:
            listener(run.queue)


def _columns_of(to: RunStatus) -> dict[str, Any]:
    """Columns that follow from the status alone."""
    columns: dict[str, Any] = {"finished_at": now() if to in ENDED else None}
    if to != RunStatus.RUNNING:
        columns |= {"lease_expires_at": None, "worker": None}
    if to == RunStatus.QUEUED:
        columns |= {"queued_at": now(), "next_attempt_at": None}
    return columns


def _hold_columns(run: Run, to: RunStatus, columns: Mapping[str, Any]) -> dict[str, Any]:
    """What a move does to the hold: only a queued run is held, one in quarantine whenever it is queued."""
    reason = hold_reason_after(columns.get("crashes", run.crashes)) if to == RunStatus.QUEUED else ""
    held: dict[str, Any] = {"hold_reason": reason} if reason != run.hold_reason else {}
    return held | ({"circuit_breaker_id": None, "rate_need": None} if run.circuit_breaker_id else {})


def now() -> Sql:
    """A column's new value: the time, by the database's clock."""
    return Sql(clock.sql())


def _update(run: Run, columns: Mapping[str, Any], only: Guard) -> Statement:
    """Build the UPDATE; its one row comes back, if any, with the number of the newest event."""
    setting = assignments(Run, {**columns, "updated_at": now()})
    demands, params = _demands(run, only)
    text = f'UPDATE "{Run._meta.db_table}" SET {setting.text} WHERE {" AND ".join(demands)}'
    return Statement(f'{text} RETURNING "id", "event_seq"', [*setting.params, *params])


def _demands(run: Run, only: Guard) -> tuple[list[str], list[Any]]:
    """Write what the row must be for the UPDATE to find it, and the parameters of that."""
    demands, params = ['"id" = %s', '"status" = %s'], [adapt(Run, "id", run.pk), run.status]
    if run.state == RunStatus.QUEUED:  # whether it counts in its lane must be what we believe
        demands.append('"hold_reason" = %s')
        params.append(run.hold_reason)
    if only.fence is not None:
        demands.append('"fence" = %s')
        params.append(only.fence)
    if only.circuit:
        demands.append(_CIRCUIT_CLOSED)
        params += only.circuit
    if only.tool:
        demands.append(_TOOL_GRANTED)
        params.append(only.tool)
    if only.owner_active:
        demands += [_TENANT_ACTIVE, _owner_is_member(only.roles)]
        params += only.roles
    return demands + _state_demands(only), params


def _state_demands(only: Guard) -> list[str]:
    demands = []
    if only.not_cancelled:
        demands.append('"cancel_requested_at" IS NULL')
    if only.not_interrupted:
        demands.append('("cancel_requested_at" IS NULL OR "cancel_gently")')
    if only.lease_expired:
        demands.append(f'"lease_expires_at" <= {clock.sql()}')
    return demands


_CIRCUIT_CLOSED = f"""
    NOT EXISTS (
        SELECT 1 FROM "{CircuitBreaker._meta.db_table}" g WHERE g."provider" = %s AND g."model" = %s
        AND g."open_until" IS NOT NULL
        AND (g."probe" IS NULL OR g."probe" <> "{Run._meta.db_table}"."id" OR g."probe_fence" <> "fence")
    )
"""


_TOOL_GRANTED = f"""
    NOT EXISTS (
        SELECT 1 FROM "{RevokedTool._meta.db_table}" r WHERE r."tool" = %s AND r."restored_at" IS NULL
        AND (r."tenant_id" IS NULL OR r."tenant_id" = "{Run._meta.db_table}"."tenant_id")
    )
"""


_TENANT_ACTIVE = f'EXISTS (SELECT 1 FROM "{Tenant._meta.db_table}" t WHERE t."id" = "tenant_id" AND t."is_active")'


def _owner_is_member(roles: Sequence[str]) -> str:
    """Demand an enabled user who is a member of the run's tenant, with one of these roles if any are named."""
    users, run = get_user_model()._meta, Run._meta.db_table
    named = f' AND m."role" IN ({", ".join(["%s"] * len(roles))})' if roles else ""
    member = f'SELECT 1 FROM "{Membership._meta.db_table}" m WHERE m."user_id" = u."{users.pk.column}"'
    return f"""
        EXISTS (
            SELECT 1 FROM "{users.db_table}" u WHERE u."{users.pk.column}" = "requested_by_id" AND u."is_active"
            AND (u."is_superuser" OR EXISTS ({member} AND m."tenant_id" = "{run}"."tenant_id"{named}))
        )
    """


def _write(run: Run, update: Statement, events: Sequence[Event], others: Sequence[Write]) -> int:
    """Write everything or nothing; return the number of the newest event. Raises: StaleRunError."""
    write = _in_one_statement if connection.vendor == "postgresql" else _in_turn
    newest = write(run, update, events, others)
    if newest is None:
        raise StaleRunError(f"run {run.pk} is no longer {run.status}, or another worker holds it")
    return newest


def _in_one_statement(run: Run, update: Statement, events: Sequence[Event], others: Sequence[Write]) -> int | None:
    """PostgreSQL: the UPDATE as a query of its own, and every other write only if that has found its row."""
    parts = [part for write in others if (part := write(only_with="fenced"))]
    if events:
        parts.append(_insert_events_with_update(events))
    names = "".join(f", w{number} AS ({part.text})" for number, part in enumerate(parts))
    params = [param for part in (update, *parts) for param in part.params]
    with prepared_cursor() as cursor:
        cursor.execute(f'WITH fenced AS ({update.text}){names} SELECT "event_seq" FROM fenced', params)
        row = cursor.fetchone()
    return row[0] if row else None


def _written(event: Event) -> tuple[str, str, str]:
    return event.kind, event.actor[:ACTOR_MAX_CHARS], adapt(RunEvent, "data", event.data)


def _insert_events_with_update(events: Sequence[Event]) -> Statement:
    values = ", ".join(["(%s::integer, %s::text, %s::text, %s::text)"] * len(events))
    params = [p for i, e in enumerate(events, 1 - len(events)) for p in (i, *_written(e))]
    numbered = f'SELECT fenced."id", fenced."event_seq" + v.n, v.kind, v.actor, v.data, {clock.sql()}'
    return Statement(f"{_EVENTS} {numbered} FROM fenced, (VALUES {values}) AS v (n, kind, actor, data)", params)


def _in_turn(run: Run, update: Statement, events: Sequence[Event], others: Sequence[Write]) -> int | None:
    """SQLite: one after the other in a transaction, which nobody else writes meanwhile."""
    with transaction.atomic(), prepared_cursor() as cursor:
        cursor.execute(update.text, update.params)
        row = cursor.fetchone()
        if row is None:
            return None
        newest: int = row[1]
        parts = [part for write in others if (part := write())]
        if events:
            parts.append(_insert_events_after(run, events, newest))
        for part in parts:
            cursor.execute(part.text, part.params)
        return newest


def _insert_events_after(run: Run, events: Sequence[Event], newest: int) -> Statement:
    values = ", ".join([f"(%s, %s, %s, %s, %s, {clock.sql()})"] * len(events))
    run_id = adapt(Run, "id", run.pk)
    params = [p for seq, e in enumerate(events, newest - len(events) + 1) for p in (run_id, seq, *_written(e))]
    return Statement(f"{_EVENTS} VALUES {values}", params)
