"""Many at once: shown one by one, decided by one POST, what was decided meanwhile is left out."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from runs.models import ApprovalPolicy, PendingAction
from runs.operations.actions.approve import approve
from tests.runs.admin.actions.pages import LIST, text_of, texts, verb_of
from tests.runs.admin.conftest import signed_in
from tests.runs.admin.rows import HOSTILE, make_user, make_waiting

pytestmark = pytest.mark.django_db
BULK = reverse("admin:runs_pendingaction_bulk")


@pytest.fixture
def low(tenant):
    return [make_waiting(tenant, amount=amount) for amount in (5.0, 6.0, 7.0)]


def choose(client, actions):
    chosen = {"action": "decide_selected", "_selected_action": [action.pk for action in actions]}
    return client.post(LIST, chosen, follow=True)


def say(client, actions, verb, note=""):
    said = {"ids": [str(action.pk) for action in actions], "verb": verb, "note": note}
    return client.post(BULK, said, follow=True)


def statuses(actions):
    return [PendingAction.objects.get(pk=action.pk).status for action in actions]


def test_each_is_shown_before_anything_is_decided(operator_client, tenant, low):
    risky = make_waiting(tenant, amount=1500.0)
    PendingAction.objects.filter(pk=low[0].pk).update(arguments={"order_id": HOSTILE, "amount_usd": 5.0})

    page = choose(operator_client, [*low, risky])

    text = page.content.decode()
    assert page.context["takes_part"] == 3 and "3 of 4" in text and "&lt;img src=x" in text and "<img src=x" not in text
    assert "its risk is high" in text and "$1,500.00" in text
    assert statuses([*low, risky]) == ["open"] * 4


def test_all_that_take_part_are_decided_and_the_rest_is_counted_with_reasons(operator_client, tenant, low):
    risky = make_waiting(tenant, amount=1500.0)

    page = say(operator_client, [*low, risky], "approve", "small")

    assert "Approved: 3 of 4." in texts(page) and "Left out, 1: its risk is high" in texts(page)
    assert statuses([*low, risky]) == ["approved"] * 3 + ["open"]
    assert PendingAction.objects.get(pk=low[0].pk).note == "small"


def test_what_was_decided_meanwhile_is_left_out(operator_client, root, root_client, low):
    choose(operator_client, low)
    root_client.post(verb_of(low[1], "reject"), {"note": "no"})

    page = say(operator_client, low, "approve")

    assert "Approved: 2 of 3." in texts(page) and "already rejected by root" in texts(page)
    assert statuses(low) == ["approved", "rejected", "approved"]


def test_what_was_edited_since_the_page_has_shown_it_is_left_out(operator_client, root, low):
    ApprovalPolicy.objects.create(tool="console_refund", approvals=2)
    shown = re.findall(r'name="ids" value="([^"]+)"', choose(operator_client, low).content.decode())
    approve(low[0], user=root, arguments={"order_id": "8", "amount_usd": 19.0})
    for action in low[1:]:
        approve(action, user=root)

    page = operator_client.post(BULK, {"ids": shown, "verb": "approve", "note": ""}, follow=True)

    assert "Approved: 2 of 3." in texts(page) and "edited since you have seen it" in texts(page)
    assert statuses(low) == ["open", "approved", "approved"]


def test_rejecting_needs_a_reason_which_is_asked_for_on_the_page(operator_client, low):
    page = say(operator_client, low, "reject")

    assert "say why" in page.context["form"].errors["note"][0] and statuses(low) == ["open"] * 3
    assert "Rejected: 3 of 3." in texts(say(operator_client, low, "reject", "not today"))


@pytest.mark.parametrize("verb", ["", "answer", "escalate"])
def test_other_verbs_are_refused(operator_client, low, verb):
    say(operator_client, low, verb, "x")

    assert statuses(low) == ["open"] * 3


def test_several_tools_are_not_decided_together(operator_client, tenant, low):
    question = make_waiting(tenant, "question")

    assert "one tool" in texts(choose(operator_client, [*low, question]))
    assert "one tool" in texts(say(operator_client, [*low, question], "approve"))
    assert statuses(low) == ["open"] * 3


def test_no_more_than_the_most_at_once(operator_client, low, monkeypatch):
    monkeypatch.setattr("runs.operations.actions.bulk.BULK_MAX", 2)

    assert "at most 2" in texts(choose(operator_client, low))


def test_only_by_post_with_a_token_and_the_permission(operator, operator_client, reader_client, low):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(operator)

    assert operator_client.get(BULK).status_code == 405
    assert say(strict, low, "approve").status_code == say(reader_client, low, "approve").status_code == 403
    assert "Decide selected" not in text_of(reader_client, LIST)
    assert statuses(low) == ["open"] * 3


def test_a_role_that_may_not_decide_is_told_for_each(tenant, low):
    perms = ("runs.view_pendingaction", "runs.change_pendingaction")
    client = signed_in(make_user("otto", tenant=tenant, role="operator", perms=perms))

    assert choose(client, low).context["takes_part"] == 0
    assert "needs one of the roles" in texts(say(client, low, "approve")) and statuses(low) == ["open"] * 3


def test_what_needs_two_counts_as_ones_own_word(operator_client, low):
    ApprovalPolicy.objects.create(tool="console_refund", approvals=2)

    page = say(operator_client, low, "approve")

    assert "3 of 3" in texts(page) and statuses(low) == ["open"] * 3


def test_ids_of_others_and_ids_that_are_none_decide_nothing(operator_client, other_tenant, low):
    theirs = make_waiting(other_tenant, amount=5.0)

    page = operator_client.post(BULK, {"ids": [str(theirs.pk), "x"], "verb": "approve"}, follow=True)

    assert "name at least one action" in texts(page) and statuses([theirs]) == ["open"]
