"""What a replay does again: what failed the run, whatever it was; nothing that a model was told of."""

from decimal import Decimal

import pytest
from django.contrib.auth import get_user_model

from runs import clock
from runs.maintenance.expire_actions import expire_actions
from runs.operations.accounts import make_member
from runs.operations.actions.approve import approve
from runs.operations.actions.reject import reject
from runs.operations.preview_replay import preview_replay
from runs.operations.replay_run import retry_run
from tests.runs.engine.story import say, use
from tests.testapp.agents import CALLS, FAIL, ToolError

pytestmark = pytest.mark.django_db

REFUSAL = {"kind": "status", "status": 403, "error_type": "permission_error", "message": "no", "times": 1}


def expire(action, user):
    clock.advance(8 * 86400)
    expire_actions()


def test_an_approved_call_at_which_the_run_failed_is_made_by_its_replay(offline, post, work, user, tenant):
    CALLS.clear()
    offline({"turns": [use(("refund", {"order_id": "1", "amount_usd": 5})), say("Done.")]})
    run = post("clerk")
    work()
    approve(run.actions.get(), user=make_member(tenant, "boss"))
    get_user_model().objects.filter(pk=run.requested_by_id).update(is_active=False)
    work()
    run.refresh_from_db()
    assert (run.status, run.steps.get(seq=2).status, CALLS["refund"]) == ("failed", "failed", 0)
    get_user_model().objects.filter(pk=run.requested_by_id).update(is_active=True)
    assert preview_replay(run.pk).runs_again == [2]

    retry_run(run, user=user)
    work()

    run.refresh_from_db()
    assert (run.status, run.steps.get(seq=2).status, CALLS["refund"]) == ("completed", "completed", 1)


def test_a_call_that_failed_and_whose_error_the_model_was_told_is_not_made_again(offline, post, work, user):
    CALLS.clear()
    FAIL["send"] = [ToolError("no such address")]
    offline({"turns": [use(("send", {"to": "bob"})), say("Done.", faults=[REFUSAL])]})
    run = post("clerk")
    work()
    assert preview_replay(run.pk).reused == [1, 2]

    retry_run(run, user=user)
    work()

    run.refresh_from_db()
    assert (run.status, run.steps.get(seq=2).status, CALLS["send"]) == ("completed", "failed", 1)


@pytest.mark.parametrize("refuse", [lambda action, user: reject(action, user=user, note="no"), expire])
def test_a_budget_that_was_refused_is_asked_for_anew_by_a_replay(offline, post, work, user, refuse):
    offline({"turns": [say("Done.")]})
    run = post("thrifty", max_cost_usd=Decimal("0.0001"))
    work()
    refuse(run.actions.get(), user)
    work()
    run.refresh_from_db()
    assert run.status == "failed" and run.last_error["type"] == "BudgetRefusedError"

    retry_run(run, user=user)
    work()

    run.refresh_from_db()
    assert run.status == "waiting_for_confirmation"
    assert run.actions.filter(status="open", kind="budget").count() == 1
