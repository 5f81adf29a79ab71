"""Decisions and verbs: once, by whom they are allowed to, and only with what fits."""

import threading
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.db.models.functions import Now

from runs.errors import ConflictError, InvalidInputError, InvalidTransitionError, NotPermittedError
from runs.maintenance.expire_actions import expire_actions
from runs.models import Membership, PendingAction
from runs.operations.accounts import make_member
from runs.operations.actions.answer import answer
from runs.operations.actions.approve import approve
from runs.operations.actions.reject import reject
from runs.operations.actions.resolve import resolve
from runs.operations.cancel_run import cancel_run
from tests.at_once import at_once
from tests.testapp.agents import CALLS, FAIL

pytestmark = pytest.mark.django_db

REFUND = {"content": [{"type": "tool_use", "name": "refund", "input": {"order_id": "1", "amount_usd": 2.0}}]}
SECRET = "sk-ant-abcdefgh12345678"
DONE = {"content": [{"type": "text", "text": "Done."}]}


@pytest.fixture
def waiting(offline, post, work):
    """A run that waits for the approval of a refund."""
    offline({"turns": [REFUND, DONE]})
    run = post("clerk")
    work()
    run.refresh_from_db()
    return run


@pytest.fixture
def action(waiting):
    return PendingAction.objects.get(run=waiting)


def with_role(tenant, name, role):
    user = make_member(tenant, name)
    Membership.objects.filter(user=user, tenant=tenant).update(role=role)
    return user


def test_the_same_verdict_twice_is_one_decision(action, user, work):
    approve(action, user=user)
    approve(action, user=user)
    work()

    assert CALLS["refund"] == 1
    assert action.run.events.filter(kind="action.approved").count() == 1


def test_another_verdict_is_told_who_was_faster(action, user):
    approve(action, user=user)

    with pytest.raises(ConflictError, match="approved by service@acme"):
        reject(action, user=user, note="No.")


@pytest.mark.fault(35)
@pytest.mark.parametrize(("role", "allowed"), [("viewer", False), ("operator", False), ("approver", True)])
def test_only_deciders_decide(action, tenant, role, allowed):
    person = with_role(tenant, "p", role)

    if allowed:
        assert approve(action, user=person).decided_by == person
    else:
        with pytest.raises(NotPermittedError):
            approve(action, user=person)


@pytest.mark.parametrize(("role", "allowed"), [("viewer", False), ("approver", False), ("operator", True)])
def test_only_operators_cancel_what_others_posted(waiting, tenant, role, allowed):
    person = with_role(tenant, "p", role)

    if allowed:
        assert cancel_run(waiting, user=person).status == "cancelled"
    else:
        with pytest.raises(NotPermittedError):
            cancel_run(waiting, user=person)


def test_a_cancelled_run_closes_its_actions_and_planned_steps(waiting, action, user):
    cancel_run(waiting, user=user)
    cancel_run(waiting, user=user)

    action.refresh_from_db()
    assert action.status == "cancelled"
    assert [s.status for s in waiting.steps.order_by("seq")] == ["completed", "skipped"]
    with pytest.raises(ConflictError):
        approve(action, user=user)


@pytest.mark.fault(34)
def test_an_expired_action_cannot_be_decided_and_the_model_is_told(action, user, work):
    PendingAction.objects.update(expires_at=Now() - timedelta(seconds=1))
    with pytest.raises(InvalidTransitionError, match="expired"):
        approve(action, user=user)

    assert expire_actions() == 1
    work()

    action.run.refresh_from_db()
    assert action.run.status == "completed"
    assert CALLS["refund"] == 0


@pytest.mark.fault(35)
def test_an_approval_of_somebody_who_has_lost_the_role_since_is_not_used(action, tenant, work):
    person = with_role(tenant, "p", "approver")
    approve(action, user=person)
    Membership.objects.filter(user=person).delete()

    work()

    assert CALLS["refund"] == 0


def test_arguments_that_do_not_fit_the_tool_are_named(action, user):
    with pytest.raises(InvalidInputError) as caught:
        approve(action, user=user, arguments={"order_id": "1", "amount_usd": "much", "more": 1})

    assert set(caught.value.errors) == {"arguments.amount_usd", "arguments.more"}
    action.refresh_from_db()
    assert action.status == "open"


@pytest.mark.parametrize(
    "amount", ["999999.999999999", "1e-30", "1_0", " 1 ", "\uff11", "-1", "0", "NaN", "", None, 1e30]
)
def test_a_budget_is_a_plain_amount(offline, post, work, user, amount):
    offline({"turns": [DONE]})
    run = post("thrifty")
    work()

    with pytest.raises(InvalidInputError):
        approve(PendingAction.objects.get(run=run), user=user, arguments={"max_cost_usd": amount})


def test_a_raised_budget_is_what_the_action_shows(offline, post, work, user):
    offline({"turns": [DONE]})
    run = post("thrifty")
    work()

    action = approve(PendingAction.objects.get(run=run), user=user, arguments={"max_cost_usd": "0.75"})

    run.refresh_from_db()
    assert run.max_cost_usd == Decimal("0.75")
    assert action.arguments == {"max_cost_usd": "0.75"}


@pytest.mark.fault(14)
def test_an_effect_that_may_still_arrive_cannot_be_repeated_yet(offline, post, work, user):
    FAIL["send"] = [ConnectionError("reset")]
    offline({"turns": [{"content": [{"type": "tool_use", "name": "send", "input": {"to": "b"}}]}, DONE]})
    run = post("clerk")
    work()
    action = PendingAction.objects.get(run=run)

    with pytest.raises(InvalidTransitionError, match="may still arrive"):
        resolve(action, user=user, outcome="did_not_happen")

    action.step.deadline_at = action.requested_at - timedelta(minutes=5)
    action.step.save()
    resolve(PendingAction.objects.get(run=run), user=user, outcome="did_not_happen")
    work()
    run.refresh_from_db()
    assert run.status == "completed"
    assert CALLS["send"] == 2
    assert run.steps.get(name="send").attempt == 2


def test_a_secret_in_what_a_person_says_is_kept_nowhere_and_the_same_words_are_the_same_decision(
    offline, post, work, user
):
    FAIL["send"] = [ConnectionError("reset")]
    calls = [("ask_human", {"question": "?"}), ("send", {"to": "b"})]
    offline({"turns": [{"content": [{"type": "tool_use", "name": n, "input": i} for n, i in calls]}, DONE]})
    run = post("clerk")
    work()
    question, outcome = (PendingAction.objects.get(run=run, kind=kind) for kind in ("question", "outcome"))

    for _ in range(2):
        answer(question, user=user, text=f"It is {SECRET}.")
        resolve(outcome, user=user, outcome="happened", result={"key": SECRET})

    kept = [*PendingAction.objects.values_list("decision"), *run.steps.values_list("result", "error")]
    assert SECRET not in str(kept) and "[redacted]" in str(PendingAction.objects.get(pk=question.pk).decision)


@pytest.mark.fault(33)
@pytest.mark.django_db(transaction=True)
def test_many_people_at_once_make_one_decision(action, user, work):
    results, barrier = [], threading.Barrier(12)

    def decide(number):
        barrier.wait()
        try:
            verb = approve if number % 2 else reject
            extra = {} if number % 2 else {"note": "No."}
            results.append(verb(PendingAction.objects.get(pk=action.pk), user=user, **extra).status)
        except ConflictError:
            results.append("conflict")
        finally:
            connection.close()

    threads = [threading.Thread(target=decide, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    work()

    winner = PendingAction.objects.get(pk=action.pk).status
    assert sorted(results) == sorted([winner] * 6 + ["conflict"] * 6)
    assert CALLS["refund"] == (winner == "approved")
    assert action.run.events.filter(kind__startswith="action.").count() == 2


@pytest.mark.fault(33)
@pytest.mark.django_db(transaction=True)
def test_fifty_approvals_at_once_are_one_decision_and_fifty_times_the_same_answer(action, user, work):
    answers = at_once(50, lambda _: approve(PendingAction.objects.get(pk=action.pk), user=user))
    work()

    assert {(answer.pk, answer.status, answer.decided_at) for answer in answers} == {
        (action.pk, "approved", PendingAction.objects.get(pk=action.pk).decided_at)
    }
    assert CALLS["refund"] == 1
    assert action.run.events.filter(kind="action.approved").count() == 1
