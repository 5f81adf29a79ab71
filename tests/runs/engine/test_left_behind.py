"""Code of the project leaves nothing behind: neither for the engine's writes nor for the next run of the thread."""

import decimal
import threading

import pytest
from django.db import connection, transaction
from django.utils import timezone, translation

from runs.invariants.every import breaches
from runs.models import ModelCall, Tenant
from tests.runs.engine.code_of_a_project import job_of, story_of
from tests.testapp.agents import CALLS

pytestmark = pytest.mark.django_db(transaction=True)


def _write():
    CALLS["act"] += 1
    Tenant.objects.create(slug=f"left-{CALLS['act']}", name="Left")


def _atomic(context=None):
    transaction.atomic().__enter__()
    _write()


def _nested(context=None):
    _atomic()
    transaction.atomic().__enter__()
    _write()


def _begin(context=None):
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
    _write()


def _no_autocommit(context=None):
    transaction.set_autocommit(False)
    _write()


def _broken(context=None):
    _atomic()
    transaction.set_rollback(True)


def _driver(context=None):
    connection.ensure_connection()
    connection.connection.cursor().execute("BEGIN")
    _write()


def _savepoint(context=None):
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SAVEPOINT mine")
    _write()


OPEN = {
    f.__name__.strip("_"): f for f in (_atomic, _nested, _begin, _no_autocommit, _broken, _driver, _savepoint)
}  # fmt: skip


@pytest.mark.parametrize("way", OPEN)
@pytest.mark.parametrize(("effect", "raises"), [("read", False), ("idempotent", False), ("unsafe", True)])
def test_a_transaction_that_a_tool_leaves_open_is_rolled_back_and_said(
    offline, post, work, monkeypatch, way, effect, raises
):
    def act(context):
        OPEN[way]()
        if raises:
            raise ValueError("no such order")
        return "done"

    run, step, told = story_of(post, work, offline, monkeypatch, act, effect=effect)

    assert (run.status, run.output, step.status) == ("completed", "Done.", "failed")
    assert step.error["type"] == ("ValueError" if raises else "LeftOpenError")
    assert "left open on the database 'default'" in step.error["message"] and "rolled back" in told["content"]
    assert not Tenant.objects.filter(slug__startswith="left").exists()
    assert ModelCall.objects.filter(run=run, status="settled").count() == 2
    assert not connection.in_atomic_block and connection.get_autocommit()
    assert list(breaches(look_again_after_s=0)) == []


@pytest.mark.parametrize("way", OPEN)
@pytest.mark.parametrize("effect", ["unsafe", "verifiable"])
def test_what_an_effect_did_outside_is_not_rolled_back_so_a_person_is_asked(
    offline, post, work, monkeypatch, way, effect
):
    """The payment is made, and only its row in the database is gone: told that it failed, the model would pay again."""

    paid = []

    def pay(context):
        OPEN[way]()
        paid.append(context.effect_key)
        return "paid"

    verify = {"verify": lambda context, arguments: None} if effect == "verifiable" else {}
    run, step, _ = story_of(post, work, offline, monkeypatch, pay, effect=effect, **verify)
    work()

    action = run.actions.get()
    assert (run.status, step.status, paid) == ("waiting_for_confirmation", "unknown", [step.effect_key])
    assert (action.kind, action.status) == ("outcome", "open") and "rolled back" in action.reason
    assert step.error["type"] == "LeftOpenError" and "rolled back" in step.error["message"]
    assert not Tenant.objects.filter(slug__startswith="left").exists()
    assert list(breaches(look_again_after_s=0)) == []


@pytest.mark.django_db(transaction=False)
@pytest.mark.parametrize("way", ["atomic", "nested", "broken"])
def test_within_the_transaction_of_its_caller_only_its_own_part_is_rolled_back(offline, post, work, monkeypatch, way):
    kept = Tenant.objects.create(slug="kept", name="Kept")

    run, step, _ = story_of(post, work, offline, monkeypatch, OPEN[way], effect="read")

    assert (run.status, step.error["type"]) == ("completed", "LeftOpenError")
    assert not Tenant.objects.filter(slug__startswith="left").exists() and Tenant.objects.filter(pk=kept.pk).exists()


@pytest.mark.parametrize("way", OPEN)
def test_a_job_whose_step_leaves_a_transaction_open_fails_and_says_so(post, work, monkeypatch, way):
    job_of(monkeypatch, lambda self, context: context.step("one", OPEN[way], effect="read"))
    run = post("made_job", input={})

    work()

    run.refresh_from_db()
    assert run.status == "failed" and run.last_error["type"] == "LeftOpenError"
    assert "rolled back" in run.steps.get().error["message"]
    assert not Tenant.objects.filter(slug__startswith="left").exists()
    assert list(breaches(look_again_after_s=0)) == []


def test_an_unsafe_step_of_a_job_that_leaves_a_transaction_open_is_for_a_person(post, work, monkeypatch):
    def run(self, context):
        try:
            context.step("one", _atomic)
        except Exception:
            context.step("two", _write)

    job_of(monkeypatch, run)
    posted = post("made_job", input={})

    work()

    posted.refresh_from_db()
    step = posted.steps.get()
    assert (posted.status, step.status, CALLS["act"]) == ("waiting_for_confirmation", "unknown", 1)
    assert posted.actions.get().kind == "outcome" and "rolled back" in step.error["message"]
    assert list(breaches(look_again_after_s=0)) == []


@pytest.mark.parametrize("way", OPEN)
def test_a_job_that_leaves_a_transaction_open_itself_fails_and_says_so(post, work, monkeypatch, way):
    def run(self, context):
        context.step("one", lambda: 1, effect="read")
        OPEN[way]()
        return "done"

    job_of(monkeypatch, run)
    posted = post("made_job", input={})

    work()

    posted.refresh_from_db()
    assert posted.status == "failed" and "rolled back" in posted.last_error["message"]
    assert posted.steps.get().status == "completed"
    assert list(breaches(look_again_after_s=0)) == []


def test_a_step_inside_a_transaction_is_refused_before_it_is_done(post, work, monkeypatch):
    def run(self, context):
        with transaction.atomic():
            context.step("one", _write, effect="unsafe")

    job_of(monkeypatch, run)
    posted = post("made_job", input={})

    work()

    posted.refresh_from_db()
    assert posted.last_error["type"] == "StepPlaceError" and CALLS["act"] == 0


def test_progress_is_not_written_in_a_transaction_of_the_tools(offline, post, work, monkeypatch):
    """It would hold the row of the run, for which the heartbeat waits, until the tool is done."""
    seen = []

    def act(context):
        with transaction.atomic():
            _write()
            context.progress(30, "inside")
            seen.append(CALLS["act"])
        context.progress(60, "after")

    run, step, _ = story_of(post, work, offline, monkeypatch, act)

    assert step.status == "completed" and run.progress_message == "after" and seen == [1]


def _change_everything(context=None):
    decimal.getcontext().prec = 3
    decimal.getcontext().traps[decimal.Inexact] = True
    timezone.activate("Asia/Tokyo")
    translation.activate("de")


def test_decimals_time_zone_and_language_are_those_of_the_call_alone(offline, post, work, monkeypatch):
    before = (decimal.getcontext().prec, timezone.get_current_timezone_name(), translation.get_language())

    run, step, _ = story_of(post, work, offline, monkeypatch, _change_everything)

    assert (run.status, step.status) == ("completed", "completed")
    assert (decimal.getcontext().prec, timezone.get_current_timezone_name(), translation.get_language()) == before
    assert not decimal.getcontext().traps[decimal.Inexact]


def test_a_job_keeps_its_own_context_and_the_engine_does_not_work_in_it(post, work, monkeypatch):
    def run(self, context):
        _change_everything()
        context.step("one", lambda: 1, effect="read")
        context.progress(33.333333333, "third")
        return [decimal.getcontext().prec, context.step("two", lambda: decimal.getcontext().prec, effect="read")]

    job_of(monkeypatch, run)
    posted = post("made_job", input={})

    work()

    posted.refresh_from_db()
    assert (posted.status, posted.output) == ("completed", [3, 3]) and decimal.getcontext().prec == 28


def test_the_settings_of_a_session_do_not_outlive_the_call(offline, post, work, monkeypatch):
    statement, ask = {
        "sqlite": ("PRAGMA query_only = 1", "PRAGMA query_only"),
        "postgresql": ("SET search_path TO nowhere", "SHOW search_path"),
    }[connection.vendor]

    def setting():
        with connection.cursor() as cursor:
            cursor.execute(ask)
            return cursor.fetchone()

    def act(context):
        with connection.cursor() as cursor:
            cursor.execute(statement)

    before = setting()
    run, _, _ = story_of(post, work, offline, monkeypatch, act)

    assert run.status == "completed" and setting() == before


def test_a_wrapper_of_statements_that_was_not_taken_off_is_gone(offline, post, work, monkeypatch):
    seen = []

    def act(context):
        connection.execute_wrapper(lambda execute, *args: seen.append(1) or execute(*args)).__enter__()

    story_of(post, work, offline, monkeypatch, act)

    assert seen == []


def test_progress_from_a_thread_of_the_tools_leaves_no_connection_there(offline, post, work, monkeypatch):
    open_ = []

    def act(context):
        def tell():
            context.progress(50, "from afar")
            open_.append(connection.connection is not None)

        thread = threading.Thread(target=tell)
        thread.start()
        thread.join()

    run, step, _ = story_of(post, work, offline, monkeypatch, act)

    assert (step.status, run.progress_message, open_) == ("completed", "from afar", [False])
