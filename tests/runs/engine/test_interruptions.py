"""What the state machine found: a cancellation, a decision or a death in the wrong moment."""

import pytest
from django.db import OperationalError

from runs import clock, fault_points
from runs.declarations.catalog import job_type_named
from runs.engine import advance, agent_loop
from runs.invariants.every import breaches
from runs.maintenance.rescue_runs import rescue_runs
from runs.maintenance.wake_timers import wake_timers
from runs.models import ModelCall, PendingAction, Run
from runs.operations.accounts import make_tenant
from runs.operations.actions.approve import approve
from runs.operations.actions.reject import reject
from runs.operations.actions.resolve import resolve
from runs.operations.cancel_run import cancel_run
from runs.operations.replay_run import retry_run
from runs.registry import tool
from tests.runs.engine.story import say, trace, use
from tests.testapp.agents import CALLS, FAIL, HAPPENED

pytestmark = pytest.mark.django_db

REFUND = ("refund", {"order_id": "1", "amount_usd": 2.0})
SEND = ("send", {"to": "bob"})


class Crash(BaseException):
    """The process is gone."""


@pytest.fixture
def at(monkeypatch):
    """Do something once, when the named fault point is passed for the nth time from now."""

    def at(point, do, nth=1):
        left = [nth]

        class Points(dict):
            def __getitem__(self, name):
                left[0] -= name == point
                if left[0] == 0:
                    left[0] = -1000
                    do()
                return 9, 0.0

        monkeypatch.setattr(fault_points, "_armed", lambda: Points.fromkeys(fault_points.POINTS))

    return at


def die():
    raise Crash


def lose(work):
    """Work until the armed crash, and find the dead lease."""
    with pytest.raises(Crash):
        work()
    clock.advance(20)
    rescue_runs()


def clean():
    return [str(breach) for breach in breaches(look_again_after_s=0)] == []


def test_a_lost_model_call_counts_as_spent_when_its_run_is_cancelled_before_anybody_goes_on(
    offline, post, work, user, at
):
    offline({"turns": [say("hi")]})
    run = post("clerk")
    at("model.before", die)
    lose(work)

    cancel_run(run, user=user)

    run.refresh_from_db()
    call = ModelCall.objects.get(run=run)
    assert (run.status, call.status) == ("cancelled", "presumed")
    assert run.cost_usd == run.steps.get().cost_usd == call.cost_usd == call.reserved_usd > 0
    assert clean()


def test_a_call_that_the_cancellation_forestalled_was_never_begun(offline, post, work, user, at):
    offline({"turns": [use(SEND), say("hi")]})
    run = post("clerk")
    at("model.after", lambda: cancel_run(run, user=user))

    work()

    run.refresh_from_db()
    step = run.steps.get(name="send")
    assert (run.status, step.status, step.attempt, step.started_at) == ("cancelled", "skipped", 0, None)
    assert CALLS["send"] == 0 and clean()


def test_a_model_call_that_the_cancellation_forestalled_leaves_no_reserve(offline, post, work, user, at):
    model = offline({"turns": [say("hi")]})
    run = post("clerk")
    at("claim.after", lambda: cancel_run(run, user=user))

    work()

    run.refresh_from_db()
    assert run.status == "cancelled" and model.requests == [] and run.cost_usd == 0
    assert not ModelCall.objects.filter(run=run).exists() and clean()


def test_an_unsafe_call_begun_by_the_worker_whose_loss_was_one_too_many_is_unknown(offline, post, work, user, at):
    offline({"turns": [use(SEND), say("hi")]})
    run = post("clerk")
    at("tool.after", die)
    with pytest.raises(Crash):
        work()
    Run.objects.filter(pk=run.pk).update(crashes=2)
    clock.advance(20)

    rescue_runs()

    run.refresh_from_db()
    assert run.status == "failed" and run.steps.get(name="send").status == "unknown" and clean()
    retry_run(run, user=user)
    work()
    action = PendingAction.objects.get(run=run, status="open")
    assert action.kind == "outcome" and clean()
    resolve(action, user=user, outcome="happened", result="sent")
    work()
    run.refresh_from_db()
    assert run.status == "completed" and CALLS["send"] == 1


def test_a_plain_jobs_unsafe_step_is_not_repeated_by_the_retry_after_one_loss_too_many(offline, post, work, user, at):
    run = post("squares", input={"upto": 1, "effect": "unsafe"})
    at("tool.after", die)
    with pytest.raises(Crash):
        work()
    Run.objects.filter(pk=run.pk).update(crashes=2)
    clock.advance(20)
    rescue_runs()

    run.refresh_from_db()
    retry_run(run, user=user)
    work()

    assert CALLS["square-1"] == 1 and PendingAction.objects.get(run=run, status="open").kind == "outcome"
    assert clean()


def test_an_unknown_outcome_is_asked_about_again_when_its_failed_run_is_retried(offline, post, work, tenant, user):
    offline({"turns": [use(SEND, REFUND), say("hi")]})
    FAIL["send"] = [ConnectionError("reset")]
    run = post("clerk")
    work()
    tenant.is_active = False
    tenant.save()
    approve(PendingAction.objects.get(run=run, kind="approval"), user=user)
    work()
    run.refresh_from_db()
    assert run.status == "failed"
    tenant.is_active = True
    tenant.save()

    retry_run(run, user=user)
    work()

    assert PendingAction.objects.get(run=run, status="open").kind == "outcome" and clean()


@pytest.mark.parametrize("verb", ["reject", "approve other arguments"])
def test_a_decision_that_comes_while_its_run_is_being_continued_is_not_asked_for_again(
    offline, post, work, user, monkeypatch, verb
):
    offline({"turns": [use(SEND, REFUND), say("hi")]})
    FAIL["send"] = [ConnectionError("reset")]
    run = post("clerk")
    work()
    outcome, approval = PendingAction.objects.filter(run=run).order_by("step__seq")

    def decide():
        if verb == "reject":
            reject(approval, user=user, note="no")
        else:
            approve(approval, user=user, arguments={"order_id": "1", "amount_usd": 1.0})

    resolve(outcome, user=user, outcome="happened", result="sent")
    real, told = agent_loop.recover, []
    monkeypatch.setattr(
        agent_loop, "recover", lambda journal, agent: (real(journal, agent), told or told.append(decide()))
    )
    work()

    run.refresh_from_db()
    assert run.status == "completed" and PendingAction.objects.filter(run=run).count() == 2
    assert run.steps.get(name="refund").status == ("skipped" if verb == "reject" else "completed")
    assert CALLS["refund"] == (verb != "reject") and clean()


def test_a_verifiable_call_whose_answer_was_lost_is_looked_up_before_it_is_made_again(offline, post, work):
    offline({"turns": [use(("book", {"room": "12"})), say("hi")]})
    FAIL["book"] = [ConnectionError("reset by peer, but booked")]
    run = post("clerk")
    work()
    HAPPENED[run.steps.get(name="book").effect_key] = "booked 12, says the hotel"
    assert clean()

    clock.advance(5)
    wake_timers()
    work()

    run.refresh_from_db()
    assert run.status == "completed" and CALLS["book"] == 1
    assert trace(run)[1] == ("tool_call", "book", "completed")


def test_trouble_before_recovery_does_not_plan_again_what_a_dead_worker_had_begun(
    offline, post, work, user, at, monkeypatch
):
    offline({"turns": [use(SEND), say("hi")]})
    run = post("clerk")
    at("tool.after", die)
    lose(work)
    real, error_kind = advance.check_owner, [OperationalError("server closed the connection")]
    monkeypatch.setattr(advance, "check_owner", lambda run: real(run) if not error_kind else _raise(error_kind.pop()))

    work()
    clock.advance(5)
    wake_timers()
    work()

    assert CALLS["send"] == 1 and PendingAction.objects.get(run=run).kind == "outcome" and clean()


def test_a_run_that_fails_before_recovery_shows_what_a_dead_worker_had_begun(offline, post, work, tenant, at):
    offline({"turns": [use(SEND), say("hi")]})
    run, asking = post("clerk"), post("clerk")
    at("tool.after", die)
    with pytest.raises(Crash):
        work()
    at("model.before", die)
    with pytest.raises(Crash):
        work()
    clock.advance(20)
    rescue_runs()
    tenant.is_active = False
    tenant.save()

    work()

    run.refresh_from_db(), asking.refresh_from_db()
    assert (run.status, asking.status) == ("failed", "failed")
    assert run.steps.get(name="send").status == "unknown"
    assert ModelCall.objects.get(run=asking).status == "presumed" and asking.cost_usd > 0 and clean()


@pytest.mark.fault(54)
@pytest.mark.parametrize("who", ["owner", "tenant", "membership", "membership elsewhere"])
def test_an_owner_or_tenant_disabled_in_the_middle_of_a_run_makes_no_further_call(
    offline, post, work, requester, tenant, at, who
):
    offline({"turns": [use(SEND), say("hi")]})
    run = post("clerk")
    row, membership = requester if who == "owner" else tenant, requester.memberships.get()

    def disable():
        if who == "membership":
            membership.delete()
        elif who == "membership elsewhere":
            membership.tenant = make_tenant("globex")
            membership.save()
        else:
            row.is_active = False
            row.save()

    at("model.after", disable)
    work()

    run.refresh_from_db()
    assert (run.status, run.last_error["type"]) == ("failed", "PermissionDeniedError")
    assert CALLS["send"] == 0 and run.steps.get(name="send").attempt == 0 and clean()


@pytest.mark.fault(52)
def test_a_tool_whose_arguments_a_deploy_has_changed_refuses_the_old_ones_and_the_run_goes_on(
    offline, post, work, at, monkeypatch
):
    model = offline({"turns": [use(("put", {"value": 1})), say("hi")]})
    run = post("clerk")
    tools = job_type_named("clerk").tools_by_name
    changed = {"type": "object", "properties": {"amount": {"type": "number"}}, "required": ["amount"]}
    new = tool(name="put", description="Put.", input_schema=changed, function=lambda *_: None, effect="idempotent")
    at("model.after", lambda: monkeypatch.setitem(tools, "put", new))

    work()

    run.refresh_from_db()
    assert run.status == "completed" and run.steps.get(name="put").error["type"] == "invalid_arguments"
    assert model.requests[0]["body"]["tools"] == model.requests[1]["body"]["tools"], "the model sees what it saw"


def _raise(error):
    raise error
