"""Deciding many at once: of one tool and of low risk; what was decided meanwhile is skipped and named."""

import pytest

from runs.errors import InvalidInputError
from runs.models import ApprovalPolicy, Membership, PendingAction, Role
from runs.operations.actions.approve import approve
from runs.operations.actions.bulk import counts, decide_all, preview
from tests.testapp.agents import CALLS

pytestmark = pytest.mark.django_db


def test_calls_of_low_risk_are_decided_together_and_others_say_why_not(proposed, person, work):
    small, smaller, big, done = proposed(5.0), proposed(4.0), proposed(100.0), proposed(3.0)
    approve(done, user=person("ben"))
    done.refresh_from_db()

    seen = preview([small, smaller, big, done], user=person("anna"))
    items = decide_all([small, smaller, big, done], "approve", user=person("anna"))

    reasons = ["", "", "its risk is medium: a person must look at it alone", "already approved by ben"]
    assert [item.skipped for item in seen] == [item.skipped for item in items] == reasons
    assert counts(items) == {"decided": 2, "agreed": 0, "skipped": 2}
    work()
    assert CALLS["pay"] == 3


def test_what_somebody_else_decides_meanwhile_is_skipped(proposed, person):
    small = proposed(5.0)
    approve(small, user=person("ben"))  # after the list was read

    (item,) = decide_all([small], "approve", user=person("anna"))

    assert (item.done, item.skipped) == (False, "already approved by ben")


def test_where_several_must_agree_the_first_has_agreed_and_decided_nothing(proposed, person):
    ApprovalPolicy.objects.create(tool="pay", approvals=2)

    items = decide_all([proposed(5.0)], "approve", user=person("anna"))

    assert counts(items) == {"decided": 0, "agreed": 1, "skipped": 0}


def test_what_was_edited_since_it_was_seen_is_left_out(proposed, person):
    ApprovalPolicy.objects.create(tool="pay", approvals=2)
    edited, same = proposed(5.0), proposed(6.0)
    seen = {action.pk: action.bound_hash for action in (edited, same)}
    approve(edited, user=person("ben"), arguments={"to": "eve", "amount_usd": 19.0})
    fresh = list(PendingAction.objects.filter(pk__in=seen).order_by("requested_at"))

    one, other = decide_all(fresh, "approve", user=person("anna"), seen=seen)

    assert not one.done and "edited since you have seen it" in one.skipped and other.done
    assert PendingAction.objects.get(pk=edited.pk).status == "open"


def test_many_are_rejected_with_one_reason(proposed, person, end_of):
    small, smaller = proposed(5.0), proposed(4.0)

    items = decide_all([small, smaller], "reject", user=person("anna"), note="Not today.")

    assert counts(items) == {"decided": 2, "agreed": 0, "skipped": 0}
    assert "Not today." in end_of(small).steps.get(seq=2).result["text"] and not CALLS["pay"]


def test_who_may_not_decide_decides_nothing(proposed, person):
    viewer = person("victor", Role.VIEWER)
    assert Membership.objects.get(user=viewer).role == "viewer"

    (item,) = decide_all([proposed(5.0)], "approve", user=viewer)

    assert not item.done and "roles" in item.skipped


@pytest.mark.parametrize(("verb", "note", "field"), [("approve_all", "", "verb"), ("reject", " ", "note")])
def test_an_unknown_verb_or_a_rejection_without_a_reason_is_refused(proposed, person, verb, note, field):
    with pytest.raises(InvalidInputError) as refused:
        decide_all([proposed(5.0)], verb, user=person("anna"), note=note)

    assert list(refused.value.errors) == [field]


def test_none_or_calls_of_several_tools_are_refused(proposed, person, offline, post, work):
    from tests.runs.engine.story import say, use

    offline({"turns": [use(("ask_human", {"question": "?"})), say("ok")]})
    run = post("clerk")
    work()

    for actions in ([], [proposed(5.0), PendingAction.objects.get(run=run)]):
        with pytest.raises(InvalidInputError):
            preview(actions, user=person("anna"))
