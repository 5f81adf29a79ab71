"""Every invariant holds after real work, and each way of breaking one is found under its number."""

from datetime import timedelta
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import call_command
from django.db.models.functions import Now

from deadletters.models import DeadLetter
from runs.invariants.every import breaches
from runs.models import Line, ModelCall, PendingAction, Run, RunEvent, Step
from runs.operations.accounts import make_tenant
from runs.operations.decide_action import approve
from tests.testapp.agents import CALLS

pytestmark = pytest.mark.django_db

TURNS = [
    {
        "content": [
            {"type": "tool_use", "name": "look_up", "input": {"key": "a"}},
            {"type": "tool_use", "name": "refund", "input": {"order_id": "1", "amount_usd": 2.0}},
        ]
    },
    {"content": [{"type": "text", "text": "Done."}]},
]


@pytest.fixture
def done(offline, post, work, user):
    """A run that has asked, was approved, and has completed; another has failed."""
    CALLS.clear()
    refusal = {"content": [], "stop_reason": "refusal"}
    offline({"turns": TURNS}, {"when": {"first_user_contains": "bad"}, "turns": [refusal]})
    post("clerk", "bad")
    run = post("clerk")
    work()
    approve(PendingAction.objects.get(run=run), user=user)
    work()
    run.refresh_from_db()
    assert run.status == "completed"
    return run


def broken():
    return {breach.invariant for breach in breaches()}


def test_real_work_breaks_nothing(done):
    assert broken() == set()


BREAKS = {
    1: lambda run: Line.objects.update(queued=3),
    2: lambda run: RunEvent.objects.filter(run=run, kind="run.completed").update(kind="run.nothing"),
    3: lambda run: Step.objects.filter(run=run, seq=1).update(fence=99),
    4: lambda run: Step.objects.filter(run=run, seq=4).update(seq=7),
    5: lambda run: Step.objects.filter(run=run, seq=2).update(status="started"),
    6: lambda run: Step.objects.filter(run=run, seq=2).update(result={"text": "forged"}),
    7: lambda run: Step.objects.filter(run=run, name="refund").update(attempt=2),
    11: lambda run: Step.objects.filter(run=run, name="refund").update(arguments_hash="x"),
    14: lambda run: Step.objects.filter(run=run, seq=2).update(tool_use_id="toolu_other"),
    15: lambda run: Run.objects.filter(pk=run.pk).update(cost_usd=Decimal(9)),
    16: lambda run: Run.objects.filter(pk=run.pk).update(crashes=50),
    21: lambda run: RunEvent.objects.filter(run=run, seq=2).delete(),
    22: lambda run: DeadLetter.objects.update(run_id=run.pk),
    23: lambda run: PendingAction.objects.update(tenant=make_tenant("other")),
}


@pytest.mark.parametrize("number", BREAKS)
def test_a_broken_row_is_found_under_its_number(done, number):
    BREAKS[number](done)

    assert number in broken()


def test_a_run_that_waits_for_nothing_is_stuck(offline, post, work):
    offline({"turns": TURNS})
    run = post("clerk")
    work()
    assert broken() == set()

    PendingAction.objects.filter(run=run).update(status="expired", decided_at=Now())

    assert broken() == {1}


def test_a_run_whose_lease_nobody_took_over_is_stuck(post):
    run = post("clerk")
    Run.objects.filter(pk=run.pk).update(status="running", lease_expires_at=Now() - timedelta(minutes=1))

    assert 1 in broken()


def test_money_that_no_model_call_explains_is_found(done):
    ModelCall.objects.filter(run=done).update(cost_usd=0)

    assert broken() == {15}


def test_the_command_names_each_breach_and_exits_1(done):
    Run.objects.filter(pk=done.pk).update(crashes=50)
    out = StringIO()

    with pytest.raises(SystemExit) as caught:
        call_command("check_invariants", "--json", stdout=out)

    assert caught.value.code == 1
    assert f"I16 run {done.pk}" in out.getvalue()
    assert '"breaches": [{"invariant": 16' in out.getvalue().splitlines()[-1]


def test_the_command_says_so_when_nothing_is_broken(done):
    out = StringIO()

    call_command("check_invariants", stdout=out)

    assert "no breach" in out.getvalue()
