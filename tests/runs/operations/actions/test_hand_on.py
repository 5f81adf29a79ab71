"""Handing an action on: nothing is decided, but somebody is asked, told or put in charge."""

import pytest

from runs import clock
from runs.errors import ConflictError, InvalidInputError, InvalidTransitionError, NotPermittedError
from runs.maintenance.expire_actions import expire_actions
from runs.maintenance.notify import notify_deciders
from runs.models import Mail, Membership, Role
from runs.operations.actions.approve import approve
from runs.operations.actions.delegate import ask, escalate, reassign, reply
from runs.operations.actions.thread import thread_of

pytestmark = pytest.mark.django_db


def mails_to(name: str) -> list[str]:
    address = f"{name}@example.com"
    return [mail.subject for mail in Mail.objects.order_by("created_at") if address in mail.to]


def lose(user, loss):
    """Give a member these columns; None means that they leave."""
    memberships = Membership.objects.filter(user=user)
    memberships.update(**loss) if loss else memberships.delete()


def test_a_question_goes_to_the_requester_and_the_reply_to_those_who_decide(proposed, person):
    action, requester = proposed(), person("rita", Role.OPERATOR)
    action.run.requested_by = requester
    action.run.save()

    ask(action, user=person("anna"), text="Which invoice?")
    reply(action, user=requester, text="Number 7.")

    assert [(said.by, said.what, said.text) for said in thread_of(action)] == [
        ("anna", "asked", "Which invoice?"),
        ("rita", "replied", "Number 7."),
    ]
    assert mails_to("rita") == ["[agentops] anna asks about pay"]
    assert mails_to("anna") == ["[agentops] cashier needs approval of pay"]
    action.refresh_from_db()
    assert action.status == "open"


def test_whoever_it_is_reassigned_to_is_told_and_others_may_still_decide(proposed, person):
    action, ben = proposed(), person("ben")

    reassign(action, user=person("anna"), to="ben")

    action.refresh_from_db()
    assert action.assignee == ben and mails_to("ben") == ["[agentops] For you: cashier needs approval of pay"]
    assert approve(action, user=person("anna")).status == "approved"


@pytest.mark.parametrize("loss", [{"role": Role.VIEWER}, None])
def test_who_was_asked_and_may_decide_no_more_is_reminded_no_more_but_all_who_may(proposed, person, loss):
    action, anna, ben = proposed(), person("anna"), person("ben")
    reassign(action, user=ben, to="anna")
    lose(anna, loss)
    Mail.objects.all().delete()

    clock.advance(24 * 3600 + 1)
    notify_deciders()

    assert [mail.to for mail in Mail.objects.all()] == [["ben@example.com"]]


@pytest.mark.parametrize("loss", [{"role": Role.VIEWER}, None])
def test_whoever_asked_for_a_run_is_told_while_they_belong_to_its_tenant(proposed, person, loss):
    action, rita = proposed(), person("rita", Role.OPERATOR)
    action.run.requested_by = rita
    action.run.save()
    lose(rita, loss)

    ask(action, user=person("anna"), text="Which invoice?")
    approve(action, user=person("ben"))

    told = ["[agentops] anna asks about pay", "[agentops] pay of cashier: approved"]
    assert mails_to("rita") == (told if loss else [])


@pytest.mark.parametrize("loss", [{"role": Role.VIEWER}, None])
def test_of_an_expiry_those_are_told_who_belong_to_the_tenant(proposed, person, loss):
    action, rita = proposed(), person("rita", Role.OPERATOR)
    action.run.requested_by = rita
    action.run.save()
    lose(rita, loss)

    clock.advance(7 * 24 * 3600 + 1)
    expire_actions()

    assert len(mails_to("rita")) == bool(loss)


@pytest.mark.parametrize("name", ["nobody", "olga", "requester"])
def test_it_cannot_be_reassigned_to_somebody_who_may_not_decide(proposed, person, name):
    action = proposed()
    person("olga", Role.OPERATOR)
    action.run.requested_by = person("requester")
    action.run.save()

    with pytest.raises(InvalidInputError) as refused:
        reassign(action, user=person("anna"), to=name)

    assert list(refused.value.errors) == ["to"]


def test_once_escalated_only_an_admin_decides(proposed, person):
    action = proposed()
    chef = person("chef", Role.ADMIN)

    escalate(action, user=person("anna"), note="Too much for me.")

    action.refresh_from_db()
    assert action.escalated_at and mails_to("chef")
    with pytest.raises(ConflictError):
        escalate(action, user=person("anna"))
    with pytest.raises(NotPermittedError):
        approve(action, user=person("anna"))
    assert approve(action, user=chef).status == "approved"


def test_what_is_decided_is_not_handed_on(proposed, person):
    action = proposed()
    approve(action, user=person("anna"))

    for verb, said in ((ask, {"text": "?"}), (reply, {"text": "!"}), (reassign, {"to": "anna"}), (escalate, {})):
        with pytest.raises(InvalidTransitionError, match="already approved by anna"):
            verb(action, user=person("anna"), **said)


def test_strangers_hand_nothing_on_and_empty_words_are_refused(proposed, person):
    action = proposed()

    with pytest.raises(NotPermittedError):
        ask(action, user=person("victor", Role.VIEWER), text="Why?")
    with pytest.raises(InvalidInputError):
        ask(action, user=person("anna"), text="  ")


def test_the_requester_hands_nothing_on_once_they_have_left(proposed, person):
    action, rita = proposed(), person("rita", Role.VIEWER)
    action.run.requested_by = rita
    lose(rita, None)

    with pytest.raises(NotPermittedError):
        escalate(action, user=rita, note="Somebody else, please.")
