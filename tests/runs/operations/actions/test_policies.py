"""Who may decide: the most exact policy holds, at the decision and again at execution."""

import pytest
from django.db import IntegrityError, transaction

from runs.errors import ConflictError, InvalidInputError, NotPermittedError
from runs.models import ApprovalPolicy, Membership, PendingAction, Role, RunEvent
from runs.operations.actions.approve import approve
from runs.operations.actions.reject import reject
from runs.states import SelfApproval
from tests.testapp.agents import CALLS

pytestmark = pytest.mark.django_db


def answer_of(model_run) -> str:
    return str(model_run.steps.get(seq=2).result["text"])


def test_whoever_asked_for_a_run_may_not_approve_what_it_proposes(proposed, person, user):
    action = proposed()
    anna = person("anna")
    action.run.requested_by = anna
    action.run.save()

    with pytest.raises(NotPermittedError, match="somebody else"):
        approve(action, user=anna)

    assert approve(action, user=person("ben")).status == "approved"


def test_a_service_account_approves_nothing_that_it_asked_for_whatever_a_policy_says(proposed, user, person):
    action = proposed()
    action.run.requested_by = user
    action.run.save()
    with pytest.raises(NotPermittedError, match="somebody else"):
        approve(action, user=user)
    ApprovalPolicy.objects.create(tool="pay", self_approval=SelfApproval.ALWAYS)
    with pytest.raises(NotPermittedError, match="somebody else"):
        approve(action, user=user)

    assert approve(action, user=person("anna")).status == "approved"


def test_a_policy_may_let_everybody_approve_their_own(proposed, person):
    action, anna = proposed(), person("anna")
    action.run.requested_by = anna
    action.run.save()
    ApprovalPolicy.objects.create(self_approval=SelfApproval.ALWAYS)

    assert approve(action, user=anna).status == "approved"


def test_the_role_depends_on_the_amount(proposed, person):
    ApprovalPolicy.objects.create(tool="pay", from_usd=500, role=Role.ADMIN)
    little, much = proposed(100.0), proposed(600.0, to="eve")

    assert approve(little, user=person("anna")).status == "approved"
    with pytest.raises(NotPermittedError, match="admin"):
        approve(much, user=person("anna"))
    assert approve(much, user=person("chef", Role.ADMIN), note="The invoice was checked.").status == "approved"


def test_the_tenants_own_policy_goes_before_the_general_one_of_the_tool(proposed, person, tenant):
    ApprovalPolicy.objects.create(tool="pay", role=Role.ADMIN)
    ApprovalPolicy.objects.create(tenant=tenant, role=Role.APPROVER)

    assert approve(proposed(), user=person("anna")).status == "approved"


def test_a_policy_of_another_tenant_or_tool_or_risk_does_not_hold(proposed, person):
    from runs.operations.accounts import make_tenant

    ApprovalPolicy.objects.create(tenant=make_tenant("globex"), role=Role.ADMIN)
    ApprovalPolicy.objects.create(tool="refund", role=Role.ADMIN)
    ApprovalPolicy.objects.create(risk="high", role=Role.ADMIN)

    assert approve(proposed(100.0), user=person("anna")).status == "approved"


# High risk


def test_a_call_of_high_risk_is_approved_only_with_the_reason_why(proposed, person):
    action, anna = proposed(600.0), person("anna")

    with pytest.raises(InvalidInputError, match=r"note: .*say why"):
        approve(action, user=anna, note="  ")

    assert not action.approvals.exists()
    assert approve(action, user=anna, note="The invoice was checked.").status == "approved"


def test_an_edit_to_high_risk_needs_it_and_one_away_from_it_does_not(proposed, person):
    action, anna = proposed(600.0), person("anna")

    with pytest.raises(InvalidInputError, match="note"):
        approve(action, user=anna, arguments={"to": "bob", "amount_usd": 700.0})

    assert approve(action, user=anna, arguments={"to": "bob", "amount_usd": 10.0}).risk == "low"


# Four eyes


@pytest.fixture
def four_eyes(db):
    return ApprovalPolicy.objects.create(tool="pay", approvals=2)


@pytest.fixture
def for_rita(proposed, person):
    """An open approval that a person has asked for."""
    action = proposed()
    action.run.requested_by = person("rita", Role.OPERATOR)
    action.run.save()
    return action


def test_the_service_account_is_none_of_the_people_who_must_agree(for_rita, person, user, four_eyes):
    approve(for_rita, user=person("ben"))

    with pytest.raises(NotPermittedError, match="service account"):
        approve(for_rita, user=user)

    assert approve(for_rita, user=person("anna")).status == "approved"


def test_at_execution_the_service_account_does_not_count_as_a_person_either(for_rita, person, user, end_of, four_eyes):
    approve(for_rita, user=person("ben"))
    four_eyes.delete()
    assert approve(for_rita, user=user).status == "approved"
    ApprovalPolicy.objects.create(tool="pay", approvals=2)

    assert "1 of 2 people" in answer_of(end_of(for_rita)) and not CALLS["pay"]


def test_four_eyes_are_two_different_people(proposed, person, end_of, four_eyes):
    action = proposed()

    first = approve(action, user=person("anna"))
    again = approve(action, user=person("anna"))

    assert (first.status, again.status, action.approvals.count()) == ("open", "open", 1)
    assert end_of(action).status == "waiting_for_confirmation" and not CALLS["pay"]
    assert approve(action, user=person("ben")).status == "approved"
    assert end_of(action).status == "completed" and CALLS["pay"] == 1
    agreed = RunEvent.objects.filter(run=action.run, kind="action.agreed").values_list("data", flat=True)
    assert [(told["given"], told["needed"]) for told in agreed] == [(1, 2)], "approving twice is one word"


def test_four_eyes_are_never_the_requesters_not_even_a_service_accounts(proposed, user, four_eyes):
    action = proposed()
    action.run.requested_by = user
    action.run.save()

    with pytest.raises(NotPermittedError, match="somebody else"):
        approve(action, user=user)


def test_edited_arguments_make_earlier_approvals_void(proposed, person, end_of, four_eyes):
    action = proposed(100.0)
    approve(action, user=person("anna"))

    edited = approve(action, user=person("ben"), arguments={"to": "bob", "amount_usd": 50.0})

    assert edited.status == "open", "anna has agreed to something else"
    assert approve(action, user=person("anna")).status == "approved"
    run = end_of(action)
    assert run.output == "Done. paid 50.0 to bob" and PendingAction.objects.get(run=run).proposed["amount_usd"] == 100.0


def test_what_was_edited_since_it_was_seen_is_not_approved_unseen(proposed, person, four_eyes):
    action = proposed(100.0)
    approve(action, user=person("ben"), arguments={"to": "bob", "amount_usd": 50.0})

    with pytest.raises(ConflictError, match="look at it again"):
        approve(action, user=person("anna"), seen=action.bound_hash)

    action.refresh_from_db()
    assert approve(action, user=person("anna"), seen=action.bound_hash).status == "approved"


def test_an_edit_that_moves_more_needs_whoever_may_approve_that_much(proposed, person):
    ApprovalPolicy.objects.create(tool="pay", from_usd=500, role=Role.ADMIN)
    action = proposed(100.0)

    with pytest.raises(NotPermittedError):
        approve(action, user=person("anna"), arguments={"to": "bob", "amount_usd": 900.0})

    action.refresh_from_db()
    assert action.status == "open" and action.arguments["amount_usd"] == 100.0 and not action.approvals.exists()


def test_one_who_rejects_is_enough(proposed, person, end_of, four_eyes):
    action = proposed()
    approve(action, user=person("anna"))

    assert reject(action, user=person("ben"), note="Too much.").status == "rejected"
    with pytest.raises(ConflictError, match="ben"):
        approve(action, user=person("anna"))
    assert end_of(action).status == "completed" and not CALLS["pay"]


def test_a_policy_that_asks_for_more_people_holds_for_what_is_open_already(proposed, person):
    action = proposed()
    ApprovalPolicy.objects.create(tool="pay", approvals=2)

    assert approve(action, user=person("anna")).status == "open"
    action.refresh_from_db()
    assert action.approvals_needed == 2


# Again at execution


@pytest.mark.fault(35)
def test_a_decider_who_has_lost_the_right_since_stops_the_call_and_the_agent_is_told(proposed, person, end_of):
    action, anna = proposed(), person("anna")
    approve(action, user=anna)
    Membership.objects.filter(user=anna).update(role=Role.VIEWER)

    run = end_of(action)

    assert run.status == "completed" and not CALLS["pay"]
    assert run.steps.get(seq=2).error["type"] == "permission_denied" and "0 of 1 people" in answer_of(run)


def test_one_of_two_who_was_disabled_since_stops_the_call(proposed, person, end_of, four_eyes):
    action, anna = proposed(), person("anna")
    approve(action, user=anna)
    approve(action, user=person("ben"))
    anna.is_active = False
    anna.save()

    assert end_of(action).status == "completed" and not CALLS["pay"]


def test_a_policy_that_became_stricter_holds_at_execution(proposed, person, end_of):
    action = proposed()
    approve(action, user=person("anna"))
    ApprovalPolicy.objects.create(tool="pay", approvals=2)

    end_of(action)

    assert not CALLS["pay"]


def test_an_approval_that_was_given_too_long_ago_is_asked_for_again(proposed, person, end_of):
    ApprovalPolicy.objects.create(tool="pay", expires_s=3600)
    action = proposed()
    approve(action, user=person("anna"))
    PendingAction.objects.filter(pk=action.pk).update(decided_at=action.requested_at.replace(year=2020))

    run = end_of(action)

    assert run.status == "waiting_for_confirmation" and not CALLS["pay"]
    assert "too long ago" in PendingAction.objects.get(run=run, status="open").reason


# What it is bound to


def test_a_tool_that_was_declared_anew_since_the_approval_is_asked_about_again(proposed, person, end_of, monkeypatch):
    from dataclasses import replace

    from tests.testapp.agents import Cashier, look_up, pay

    action = proposed()
    approve(action, user=person("anna"))
    other = replace(pay, description="Pay somebody, and their friends.")
    monkeypatch.setattr(Cashier, "tools_by_name", {"pay": other, "look_up": look_up}, raising=False)
    from runs.declarations.catalog import job_type_named

    job_type_named("cashier").__dict__["tools_by_name"] = {"pay": other, "look_up": look_up}
    try:
        run = end_of(action)
    finally:
        del job_type_named("cashier").__dict__["tools_by_name"]

    assert run.status == "waiting_for_confirmation" and not CALLS["pay"]
    assert "declaration of its tool" in PendingAction.objects.get(run=run, status="open").reason


@pytest.mark.parametrize("column", ["expires_s", "remind_every_s"])
@pytest.mark.parametrize("seconds", [0, 366 * 24 * 3600, 1e12, float("inf")])
def test_no_policy_has_times_that_no_calendar_holds(column, seconds):
    with pytest.raises(IntegrityError), transaction.atomic():
        ApprovalPolicy.objects.create(tool="pay", **{column: seconds})
