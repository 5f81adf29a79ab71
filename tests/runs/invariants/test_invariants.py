"""Every invariant holds after real work, and each way of breaking one is found under its number."""

from datetime import timedelta
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import call_command
from django.db.models import F
from django.db.models.functions import Now

from deadletters.models import DeadLetter
from runs.invariants.every import breaches
from runs.maintenance.wake_timers import wake_timers
from runs.models import (
    BatchedCall,
    Budget,
    BudgetPeriod,
    MessageBatch,
    ModelCall,
    PendingAction,
    QueueLane,
    Run,
    RunEvent,
    Step,
)
from runs.operations.accounts import make_tenant
from runs.operations.actions.approve import approve
from runs.registry import RateLimitedError
from tests.testapp.agents import CALLS, FAIL

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
    return {breach.invariant for breach in breaches(look_again_after_s=0)}


def test_real_work_breaks_nothing(done):
    assert broken() == set()


def step(run, **columns):
    return Step.objects.filter(run=run, **columns)


def event(run, **columns):
    return RunEvent.objects.filter(run=run, **columns)


def tell(run, kind, **data):
    """Append an event, as `change` does."""
    seq = Run.objects.get(pk=run.pk).event_seq + 1
    RunEvent.objects.create(run=run, seq=seq, kind=kind, data=data, at=Now())
    Run.objects.filter(pk=run.pk).update(event_seq=seq)


def decide_twice(run):
    action = PendingAction.objects.get(run=run)
    tell(run, "action.rejected", action=str(action.pk))


def begin_after_cancel(run):
    Run.objects.filter(pk=run.pk).update(event_seq=F("event_seq") + 1)
    event(run).update(seq=F("seq") + 100)
    RunEvent.objects.create(run=run, seq=1, kind="run.cancel_requested", at=Now())
    for number, row in enumerate(event(run).order_by("seq"), 1):
        RunEvent.objects.filter(pk=row.pk).update(seq=number)


BREAKS = {
    "1 line": lambda run: QueueLane.objects.update(queued=3),
    "1 children": lambda run: Run.objects.filter(pk=run.pk).update(status="waiting_for_children", finished_at=None),
    "2 no end": lambda run: event(run, kind="run.completed").update(kind="run.nothing"),
    "2 goes on": lambda run: tell(run, "step.started", step=1),
    "2 still asked": lambda run: PendingAction.objects.filter(run=run).update(status="open", decided_at=None),
    "2 failed twice": lambda run: tell(Run.objects.get(status="failed"), "run.failed"),
    "3 unclaimed": lambda run: step(run, seq=1).update(fence=99),
    "3 older": lambda run: step(run, seq=4).update(fence=1),
    "4": lambda run: step(run, seq=4).update(seq=7),
    "5": lambda run: step(run, seq=2).update(status="started"),
    "6 forged": lambda run: step(run, seq=2).update(result={"text": "forged"}),
    "6 no hash": lambda run: step(run, seq=2).update(result_hash=""),
    "6 no end": lambda run: step(run, seq=2).update(finished_at=None),
    "6 early end": lambda run: step(run, seq=2).update(finished_at=Now() - timedelta(days=1)),
    "7": lambda run: step(run, name="refund").update(attempt=2),
    "8": lambda run: step(run, name="refund").update(effect_key="other"),
    "9 never begun": lambda run: step(run, name="refund").update(started_at=None),
    "9 no key": lambda run: step(run, name="refund").update(effect_key=None),
    "10": lambda run: (
        Run.objects.filter(pk=run.pk).update(status="queued", finished_at=None)
        and step(run, name="refund").update(status="unknown")
    ),
    "11 other arguments": lambda run: step(run, name="refund").update(arguments_hash="x"),
    "11 too late": lambda run: PendingAction.objects.update(expires_at=F("requested_at")),
    "11 too late for the admins": lambda run: PendingAction.objects.update(
        expires_at=F("requested_at"), on_expiry="escalate", escalated_at=F("requested_at")
    ),
    "12 twice": decide_twice,
    "12 unnotified": lambda run: event(run, kind="action.approved").update(kind="action.looked_at"),
    "13": begin_after_cancel,
    "14": lambda run: step(run, seq=2).update(tool_use_id="toolu_other"),
    "15 run": lambda run: Run.objects.filter(pk=run.pk).update(cost_usd=Decimal("0.00000001")),
    "15 steps": lambda run: step(run, seq=1).update(cost_usd=0),
    "15 tokens": lambda run: Run.objects.filter(pk=run.pk).update(output_tokens=1),
    "15 open": lambda run: ModelCall.objects.filter(step__run=run).update(status="started"),
    "15 budget": lambda run: (
        Run.objects.filter(pk=run.pk).update(status="queued", finished_at=None, max_cost_usd=0)
        and ModelCall.objects.filter(step__run=run).update(status="started")
    ),
    "15 budget of many": lambda run: BudgetPeriod.objects.create(
        budget=Budget.objects.create(period="day", limit_usd=9),
        starts_on=run.created_at,
        reserved_usd=2,
        held_under_usd=1,
    ),
    "16 crashes": lambda run: Run.objects.filter(pk=run.pk).update(crashes=50),
    "16 attempts": lambda run: Run.objects.filter(pk=run.pk).update(attempts=50),
    "19": lambda run: Run.objects.filter(pk=run.pk).update(idempotency_key="k", body_hash=""),
    "21": lambda run: event(run, seq=2).delete(),
    "22": lambda run: DeadLetter.objects.update(run_id=run.pk),
    "23": lambda run: PendingAction.objects.update(tenant=make_tenant("other")),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_row_is_found_under_its_number(done, name):
    BREAKS[name](done)

    assert int(name.split()[0]) in broken()


def test_a_run_that_waits_for_nothing_is_stuck(offline, post, work):
    offline({"turns": TURNS})
    run = post("clerk")
    work()
    assert broken() == set()

    PendingAction.objects.filter(run=run).update(status="cancelled", decided_at=Now())

    assert broken() == {1}


@pytest.mark.parametrize("end", ["collected", "answered"])
def test_a_run_that_waits_for_a_batch_which_will_not_answer_it_is_stuck(offline, post, work, end):
    offline()
    run = post("clerk", lane="batch")
    work()
    assert broken() == set()
    batch = MessageBatch.objects.create(requests=1, created_at=Now(), next_look_at=Now())
    BatchedCall.objects.update(batch=batch)
    assert broken() == set()

    if end == "collected":
        MessageBatch.objects.update(status="collected", next_look_at=None)
    else:
        BatchedCall.objects.update(end="succeeded")

    assert broken() == {1} and Run.objects.get(pk=run.pk).status == "waiting_for_batch"


def test_a_run_whose_lease_nobody_took_over_is_stuck(post):
    run = post("clerk")
    Run.objects.filter(pk=run.pk).update(status="running", lease_expires_at=Now() - timedelta(minutes=1))

    assert 1 in broken()


def test_money_that_no_model_call_explains_is_found(done):
    ModelCall.objects.filter(run=done).update(cost_usd=0)

    assert broken() == {15}


def test_an_unsafe_call_that_the_other_side_refused_may_be_tried_again(offline, post, work):
    FAIL["send"] = [RateLimitedError("later")]
    turn = {"content": [{"type": "tool_use", "name": "send", "input": {"to": "bob"}}]}
    offline({"turns": [turn, {"content": [{"type": "text", "text": "Sent."}]}]})
    run = post("clerk")
    work()
    wake_timers()
    work()
    assert step(run, name="send").get().attempt == 2
    assert broken() == set()

    event(run, kind="step.put_back").update(data={"step": 2, "error": "WorkerLost"})

    assert broken() == {7}


def test_a_replayed_run_may_begin_steps_after_a_former_wish_to_cancel_it(done):
    begin_after_cancel(done)
    assert 13 in broken()

    event(done, seq=2).update(kind="run.replayed")

    assert 13 not in broken()


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
