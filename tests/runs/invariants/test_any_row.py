"""The checks survive any row: what somebody has written by hand is told, and hides nothing that others find."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, OperationalError, connection, transaction

from runs.invariants.breach import Breach
from runs.invariants.every import breaches
from runs.models import PendingAction, Run, RunEvent, Step
from runs.operations.actions.approve import approve

pytestmark = pytest.mark.django_db
on_sqlite = pytest.mark.skipif(connection.vendor != "sqlite", reason="other databases see to the types by themselves")

TURNS = [
    {"content": [{"type": "tool_use", "name": "refund", "input": {"order_id": "1", "amount_usd": 2.0}}]},
    {"content": [{"type": "text", "text": "Done."}]},
]


@pytest.fixture
def done(offline, post, work, user):
    """A completed run whose refund was approved, and another one that is broken as the checks foresee."""
    offline({"turns": TURNS})
    run, other = post("clerk"), post("clerk")
    work()
    for action in PendingAction.objects.all():
        approve(action, user=user)
    work()
    assert not list(breaches(look_again_after_s=0))
    Run.objects.filter(pk=other.pk).update(crashes=50)
    Step.objects.filter(run=other, seq=2).update(result_hash="x")
    RunEvent.objects.filter(run=other, kind="action.approved").update(kind="action.looked_at")
    return run, other


def found():
    return [str(breach) for breach in breaches(look_again_after_s=0)]


def write(table, column, value, where):
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA ignore_check_constraints = 1")
        cursor.execute(f'UPDATE "{table}" SET "{column}" = %s WHERE {where}', [value])
        assert cursor.rowcount
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA ignore_check_constraints = 0")


def of_run(run):
    return f"run_id = '{run.pk.hex if connection.vendor == 'sqlite' else run.pk}'"


ANY_DATABASE = {
    "an event is no JSON": ("runs_runevent", "data", "{", "kind = 'action.approved'"),
    "an event is empty": ("runs_runevent", "data", "", "kind = 'action.approved'"),
    "an event is a list": ("runs_runevent", "data", "[]", "kind = 'action.approved'"),
    "an event names a list": ("runs_runevent", "data", '{"action": []}', "kind = 'action.approved'"),
    "an answer is missing": ("runs_step", "result", None, "seq = 1"),
    "an answer is null": ("runs_step", "result", "null", "seq = 1"),
    "an answer is a text": ("runs_step", "result", '"x"', "seq = 1"),
    "an answer is no JSON": ("runs_step", "result", "<html>", "seq = 1"),
    "an answer has no content": ("runs_step", "result", "{}", "seq = 1"),
    "a content of other things": ("runs_step", "result", '{"content": [1, null, {"type": "tool_use"}]}', "seq = 1"),
    "an infinite number": ("runs_run", "output", "Infinity", "TRUE"),
    "a deep value": ("runs_run", "input", "[" * 100_000, "TRUE"),
    "a step in a strange status": ("runs_step", "status", "strange", "seq = 2"),
    "a step of a strange kind": ("runs_step", "kind", "", "seq = 2"),
    "a strange effect": ("runs_step", "effect", "strange", "seq = 2"),
    "a call in a strange status": ("runs_modelcall", "status", "strange", "TRUE"),
    "arguments that are no JSON": ("runs_step", "arguments", "'", "seq = 2"),
}
SQLITE_ONLY = {
    "a strange run": ("runs_run", "status", "strange", "TRUE"),
    "a cost that is a word": ("runs_run", "cost_usd", "much", "TRUE"),
    "a fence that is a word": ("runs_step", "fence", "high", "seq = 2"),
    "a time that is a word": ("runs_step", "started_at", "yesterday", "seq = 2"),
    "a time that is none": ("runs_step", "started_at", "2026-13-41 25:61:61", "seq = 2"),
    "a truth that is a word": ("runs_run", "cancel_gently", "maybe", "TRUE"),
    "an id that is a word": ("runs_run", "worker", "me", "TRUE"),
    "tokens beyond any sum": ("runs_modelcall", "input_tokens", 2**63 - 1, "TRUE"),
    "bytes for a text": ("runs_run", "last_error", b"\xff\xfe", "TRUE"),
    "bytes for a name": ("runs_step", "name", b"\xff\xfe", "seq = 2"),
}


def not_told(done, rows, *, others):
    """Write each row by hand and undo it; return what was told of those of which the checks said too little."""
    run, other = done
    kept = {}
    for name, (table, column, value, where) in rows.items():
        key = of_run(run).replace("run_id", "id") if table == "runs_run" else of_run(run)
        try:
            with transaction.atomic():
                write(table, column, value, f"{where} AND {key}")
                told = found()
                transaction.set_rollback(True)
        except IntegrityError:
            continue  # the database itself refuses it
        names_it = any(str(run.pk) in one or "tokens_add_up was stopped" in one for one in told)
        if not (names_it and all(any(one.startswith(f"{other_} run {other.pk}") for one in told) for other_ in others)):
            kept[name] = told
    return kept


def test_a_row_that_nobody_foresaw_is_told_and_hides_no_other_even_from_the_check_that_reads_it(done):
    assert not_told(done, ANY_DATABASE, others=("I6", "I12", "I16")) == {}


@on_sqlite
def test_a_value_of_another_type_is_told_and_stops_no_other_check(done):
    assert not_told(done, SQLITE_ONLY, others=("I16",)) == {}


@pytest.mark.django_db(transaction=True)
def test_a_reference_that_leads_nowhere_is_told(done):
    run, other = done
    off, on = (
        ("PRAGMA foreign_keys = OFF", "PRAGMA foreign_keys = ON")
        if connection.vendor == "sqlite"
        else ("SET session_replication_role = replica", "SET session_replication_role = DEFAULT")
    )
    with connection.cursor() as cursor:
        cursor.execute(off)
        try:
            write("runs_step", "run_id", "0" * 32, f"seq = 2 AND {of_run(run)}")
            write("runs_run", "queue_lane_id", 10**9, of_run(run).replace("run_id", "id"))
            told = found()
        finally:
            cursor.execute(on)

    assert {one.rpartition(": ")[2] for one in told if one.startswith("I26")} == {
        "run_id leads to no row",
        "queue_lane_id leads to no row",
    }
    assert any(one.startswith(f"I16 run {other.pk}") for one in told)


def test_a_check_that_is_stopped_is_told_with_its_name():
    def blind():
        yield Breach(1, "a", "is broken")
        raise ValueError("what is this?")

    def sharp():
        yield Breach(2, "b", "is broken")

    told = {str(breach) for breach in breaches(look_again_after_s=0, checks=[blind, sharp])}

    stopped = "I26 run -: blind was stopped by a row that it cannot read: ValueError: what is this?"
    assert told == {"I1 run a: is broken", "I2 run b: is broken", stopped}


def test_the_command_exits_1_over_a_row_that_it_cannot_read(done):
    write("runs_step", "result", "{", f"seq = 1 AND {of_run(done[0])}")
    out = StringIO()

    with pytest.raises(SystemExit) as caught:
        call_command("check_invariants", stdout=out)

    assert caught.value.code == 1 and str(done[0].pk) in out.getvalue()


@pytest.mark.django_db(transaction=True)
def test_a_database_that_lacks_a_table_cannot_be_checked():
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE runs_runlock RENAME TO runs_runlock_gone")
        try:
            with pytest.raises(CommandError) as caught:
                call_command("check_invariants")
        finally:
            cursor.execute("ALTER TABLE runs_runlock_gone RENAME TO runs_runlock")

    assert caught.value.returncode == 2


def test_a_database_that_is_away_cannot_be_checked(monkeypatch):
    def away():
        raise OperationalError("connection refused")
        yield

    monkeypatch.setattr("runs.invariants.every.look_at_every_table", away().__next__)

    with pytest.raises(OperationalError):
        list(breaches(look_again_after_s=0, checks=[away]))
