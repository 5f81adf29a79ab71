"""Actions in time: people are told and reminded, and what nobody decides ends as its policy says."""

from datetime import timedelta

import pytest

from runs import clock
from runs.errors import InvalidTransitionError, NotPermittedError
from runs.invariants.every import breaches
from runs.maintenance.expire_actions import expire_actions
from runs.maintenance.notify import notify_deciders
from runs.models import ApprovalPolicy, Mail, PendingAction, Role, RunEvent
from runs.operations.actions.approve import approve
from tests.runs.operations.actions.conftest import end_of, person, proposed  # noqa: F401
from tests.testapp.agents import CALLS

pytestmark = pytest.mark.django_db


@pytest.fixture
def late(proposed):  # noqa: F811
    """Propose a call whose time runs out, on these terms; then let it run out."""

    def late(on_expiry):
        ApprovalPolicy.objects.create(tool="pay", on_expiry=on_expiry, expires_s=3600)
        action = proposed()
        clock.advance(3601)
        return action

    return late


def kinds(action):
    return list(RunEvent.objects.filter(run=action.run_id).order_by("seq").values_list("kind", flat=True))


def mails():
    return [(mail.subject, mail.to) for mail in Mail.objects.order_by("created_at", "subject")]


def test_those_who_decide_are_told_once_and_reminded_each_day(proposed, person):  # noqa: F811
    person("anna"), person("olga", Role.OPERATOR)
    action = proposed()

    assert (notify_deciders(), notify_deciders()) == (1, 0)
    assert mails() == [("[agentops] cashier needs approval of pay", ["anna@example.com"])]
    body = Mail.objects.get().body
    assert str(action.run_id) in body and "100 USD" in body and f"/pendingaction/{action.pk}/" in body

    clock.advance(24 * 3600 + 1)
    assert (notify_deciders(), notify_deciders()) == (1, 0)
    action.refresh_from_db()
    assert action.reminders == 1 and kinds(action)[-1] == "action.reminded"
    assert mails()[-1][0] == "[agentops] Still waiting: cashier needs approval of pay"


def test_nobody_is_reminded_of_what_is_decided(proposed, person):  # noqa: F811
    approve(proposed(), user=person("anna"))
    clock.advance(48 * 3600)

    assert notify_deciders() == 0


def test_one_reminder_that_cannot_be_planned_does_not_stop_the_others(proposed, person):  # noqa: F811
    person("anna")
    broken, whole = proposed(), proposed()
    PendingAction.objects.filter(pk=broken.pk).update(remind_every_s=1e12)  # beyond the calendar

    assert notify_deciders() == 1

    whole.refresh_from_db()
    assert whole.notify_at > clock.now() and str(whole.run_id) in Mail.objects.get().body


def test_one_action_that_cannot_expire_does_not_stop_the_others(late, proposed):  # noqa: F811
    whole = late("reject")
    broken = proposed()
    PendingAction.objects.filter(pk=broken.pk).update(on_expiry="odd", expires_at=clock.now() - timedelta(days=1))

    assert expire_actions() == 1

    whole.refresh_from_db()
    assert whole.status == "expired"


def test_rejecting_at_expiry_tells_the_agent_and_the_people(late, person, end_of):  # noqa: F811
    person("anna")
    action = late("reject")

    assert (expire_actions(), expire_actions()) == (1, 0)

    run = end_of(action)
    assert run.status == "completed" and "Nobody decided" in run.steps.get(seq=2).result["text"]
    assert ("[agentops] Nobody decided: cashier needs approval of pay", ["anna@example.com"]) in mails()
    assert list(breaches()) == []


def test_escalating_at_expiry_leaves_it_to_an_admin_with_as_much_time_again(late, person, end_of):  # noqa: F811
    anna, chef = person("anna"), person("chef", Role.ADMIN)
    action = late("escalate")

    assert (expire_actions(), expire_actions()) == (1, 0)

    action.refresh_from_db()
    assert action.status == "open" and action.expires_at > clock.now() + timedelta(minutes=59)
    with pytest.raises(NotPermittedError):
        approve(action, user=anna)
    assert approve(action, user=chef).status == "approved"
    assert end_of(action).status == "completed" and CALLS["pay"] == 1


def test_what_an_admin_does_not_decide_either_is_rejected(late, end_of):  # noqa: F811
    action = late("escalate")
    expire_actions()
    clock.advance(3601)

    assert expire_actions() == 1

    assert end_of(action).status == "completed" and not CALLS["pay"]
    action.refresh_from_db()
    assert action.status == "expired"


def test_after_the_admins_time_it_is_not_decided_even_before_the_sweep(late, person):  # noqa: F811
    action = late("escalate")
    expire_actions()
    clock.advance(3601)

    with pytest.raises(InvalidTransitionError, match="expired"):
        approve(action, user=person("chef", Role.ADMIN))


def test_cancelling_at_expiry_cancels_the_run(late, end_of):  # noqa: F811
    action = late("cancel")

    assert expire_actions() == 1

    run = end_of(action)
    assert run.status == "cancelled" and run.cancel_requested_by == "timer" and not CALLS["pay"]
    assert list(breaches()) == []


def test_waiting_on_keeps_it_open_and_says_that_it_is_overdue(late, person, end_of):  # noqa: F811
    action = late("wait")

    assert (expire_actions(), expire_actions()) == (1, 0)

    assert "action.overdue" in kinds(action)
    assert approve(action, user=person("anna")).status == "approved"
    assert end_of(action).status == "completed" and CALLS["pay"] == 1


@pytest.mark.parametrize("on_expiry", ["wait", "escalate"])
def test_before_the_sweep_has_come_by_it_may_still_be_decided_where_it_stays_open(late, person, on_expiry):  # noqa: F811
    assert approve(late(on_expiry), user=person("anna")).status == "approved"


@pytest.mark.fault(34)
@pytest.mark.parametrize("on_expiry", ["reject", "cancel"])
def test_after_its_time_it_is_not_decided_even_before_the_sweep(late, person, on_expiry):  # noqa: F811
    action = late(on_expiry)

    with pytest.raises(InvalidTransitionError, match="expired"):
        approve(action, user=person("anna"))

    assert PendingAction.objects.get(pk=action.pk).status == "open"
