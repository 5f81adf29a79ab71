import json

import pytest
from django.test import Client
from django.urls import reverse

from runs.models import PendingAction, Run, Step
from runs.states import RunStatus
from tests.runs.admin.actions.pages import LIST, page_of, texts, verb_of
from tests.runs.admin.rows import make_user, make_waiting

pytestmark = pytest.mark.django_db


def test_the_inbox_shows_open_decisions_soonest_expiry_first(operator_client, operator, tenant):
    late, soon = make_waiting(tenant), make_waiting(tenant)
    never, done = make_waiting(tenant, "outcome", expires_at=None), make_waiting(tenant)
    PendingAction.objects.filter(pk=soon.pk).update(expires_at=late.requested_at)
    PendingAction.objects.filter(pk=done.pk).update(status="rejected", decided_at=late.requested_at)

    assert list(operator_client.get(LIST).context["cl"].result_list) == [soon, late, never]
    assert list(operator_client.get(LIST, {"inbox": "decided"}).context["cl"].result_list) == [done]
    assert operator_client.get(LIST, {"inbox": "all"}).context["cl"].result_count == 4


def test_approving_queues_the_run(operator_client, operator, tenant):
    action = make_waiting(tenant)

    response = operator_client.post(
        verb_of(action, "approve"), {"arguments": json.dumps(action.arguments)}, follow=True
    )

    action.refresh_from_db()
    assert (action.status, action.decided_by, action.proposed) == ("approved", operator, None)
    assert Run.objects.get(pk=action.run_id).status == RunStatus.QUEUED
    assert "Approved" in texts(response)


def test_approving_on_the_page_of_the_run_needs_no_arguments_and_returns_there(operator_client, operator, tenant):
    action = make_waiting(tenant)

    response = operator_client.post(verb_of(action, "approve"), {"note": "", "back": "run"})

    assert response.url == reverse("admin:runs_run_change", args=[action.run_id])
    assert PendingAction.objects.get(pk=action.pk).status == "approved"


def test_edited_arguments_are_approved_and_the_proposal_is_kept(operator_client, operator, tenant):
    action = make_waiting(tenant)
    edited = {"order_id": "5098", "amount_usd": 100.0}

    operator_client.post(verb_of(action, "approve"), {"arguments": json.dumps(edited)})

    proposed, action = action.arguments, PendingAction.objects.get(pk=action.pk)
    assert (action.arguments, action.proposed) == (edited, proposed)
    assert Step.objects.get(pk=action.step_id).arguments == edited


@pytest.mark.parametrize("typed", ["{broken", '{"amount_usd": "many"}', "NaN", "[" * 5000, ""])
def test_wrong_arguments_are_refused_and_stay_as_typed(operator_client, operator, tenant, typed):
    action = make_waiting(tenant)

    page = operator_client.post(verb_of(action, "approve"), {"arguments": typed, "note": "my note"})

    form = next(choice.form for choice in page.context["card"].choices if choice.name == "approve")
    assert form["arguments"].value() == typed
    assert form["note"].value() == "my note"
    assert form.errors
    assert PendingAction.objects.get(pk=action.pk).status == "open"


def test_rejecting_needs_a_reason(operator_client, operator, tenant):
    action = make_waiting(tenant)

    operator_client.post(verb_of(action, "reject"), {"note": "  "})
    assert PendingAction.objects.get(pk=action.pk).status == "open"

    operator_client.post(verb_of(action, "reject"), {"note": "too much"})
    assert PendingAction.objects.get(pk=action.pk).note == "too much"
    assert Step.objects.get(pk=action.step_id).status == "skipped"


@pytest.mark.parametrize(("outcome", "status"), [("happened", "completed"), ("did_not_happen", "planned")])
def test_an_outcome_is_resolved(operator_client, operator, tenant, outcome, status):
    action = make_waiting(tenant, "outcome")

    operator_client.post(verb_of(action, "resolve"), {"outcome": outcome, "result": '{"refunded": 1}'})

    assert PendingAction.objects.get(pk=action.pk).status == "resolved"
    assert Step.objects.get(pk=action.step_id).status == status


@pytest.mark.parametrize("end", [{}, {"end": "on"}])
def test_a_question_is_answered(operator_client, operator, tenant, end):
    action = make_waiting(tenant, "question")

    operator_client.post(verb_of(action, "answer"), {"text": "Order 5098.", **end})

    assert PendingAction.objects.get(pk=action.pk).status == "answered"
    assert Step.objects.get(pk=action.step_id).result == {"text": "Order 5098."} | ({"end": True} if end else {})


def test_a_budget_is_raised_to_a_ceiling_of_ones_own(operator_client, operator, tenant):
    action = make_waiting(tenant, "budget")

    operator_client.post(verb_of(action, "raise"), {"max_cost_usd": "2.50"})

    assert Run.objects.get(pk=action.run_id).max_cost_usd == 2.5


def test_a_ceiling_that_is_none_is_refused_at_its_field(operator_client, operator, tenant):
    action = make_waiting(tenant, "budget")

    page = operator_client.post(verb_of(action, "raise"), {"max_cost_usd": "0"})

    form = next(choice.form for choice in page.context["card"].choices if choice.name == "raise")
    assert "above 0" in form.errors.as_text() and PendingAction.objects.get(pk=action.pk).status == "open"


def test_only_the_verbs_that_fit_are_offered(operator_client, operator, tenant):
    offered = {
        kind: [c.name for c in operator_client.get(page_of(make_waiting(tenant, kind))).context["card"].choices]
        for kind in ("approval", "question", "outcome", "budget")
    }

    assert offered == {
        "approval": ["approve", "reject"],
        "question": ["answer"],
        "outcome": ["resolve", "reject"],
        "budget": ["raise", "reject"],
    }


def test_a_verb_that_does_not_fit_is_refused(operator_client, operator, tenant):
    action = make_waiting(tenant)

    response = operator_client.post(verb_of(action, "answer"), {"text": "yes"}, follow=True)

    assert "does not fit" in texts(response)
    assert PendingAction.objects.get(pk=action.pk).status == "open"


@pytest.mark.parametrize("second", ["approve", "reject"])
def test_who_comes_second_is_told_who_was_faster(operator, operator_client, root, root_client, tenant, second):
    action = make_waiting(tenant)
    operator_client.post(verb_of(action, "approve"), {})

    response = root_client.post(verb_of(action, second), {"note": "no"}, follow=True)

    assert "by olga" in texts(response)
    assert PendingAction.objects.get(pk=action.pk).status == "approved"
    assert "approved by olga" in response.content.decode()


@pytest.mark.parametrize("verb", ["approve", "reject", "resolve", "answer"])
def test_getting_a_verb_changes_nothing(operator_client, operator, tenant, verb):
    action = make_waiting(tenant)

    assert operator_client.get(verb_of(action, verb)).status_code == 405
    assert PendingAction.objects.get(pk=action.pk).status == "open"


def test_a_verb_without_a_csrf_token_is_refused(operator, tenant):
    action, client = make_waiting(tenant), Client(enforce_csrf_checks=True)
    client.force_login(operator)

    assert client.post(verb_of(action, "approve"), {}).status_code == 403
    assert PendingAction.objects.get(pk=action.pk).status == "open"


def test_a_reader_sees_the_reason_why_the_buttons_are_disabled(reader_client, reader, tenant):
    action = make_waiting(tenant)

    assert "You lack the permission" in reader_client.get(page_of(action)).content.decode()
    assert reader_client.post(verb_of(action, "approve"), {}).status_code == 403


def test_a_viewer_of_the_tenant_may_not_decide_whatever_the_permissions(client, tenant, operator):
    viewer = make_user(
        "vera", tenant=tenant, role="viewer", perms=("runs.view_pendingaction", "runs.change_pendingaction")
    )
    action = make_waiting(tenant)
    client.force_login(viewer)

    assert "You may not decide this" in client.get(page_of(action)).content.decode()
    assert client.post(verb_of(action, "approve"), {}).status_code == 403
    assert PendingAction.objects.get(pk=action.pk).status == "open"


def test_the_actions_of_another_tenant_do_not_exist(operator_client, operator, other_tenant):
    action = make_waiting(other_tenant)

    assert operator_client.get(page_of(action)).status_code == 404
    assert operator_client.post(verb_of(action, "approve"), {}).status_code == 404
    assert operator_client.get(LIST).context["cl"].result_count == 0


def test_the_inbox_asks_a_fixed_number_of_queries(operator_client, operator, tenant, django_assert_num_queries):
    for _ in range(12):
        make_waiting(tenant)
    operator_client.get(LIST)

    # session, user, permissions (2), count twice, actions, tenants, tools
    with django_assert_num_queries(9):
        operator_client.get(LIST)


def test_an_outcome_shows_when_it_was_begun_and_when_its_worker_was_last_heard_of(operator_client, operator, tenant):
    action = make_waiting(tenant, "outcome", expires_at=None)
    evidence = {
        "begun_at": "2026-01-02T03:04:05Z",
        "last_heartbeat_at": "2026-01-02T03:04:06Z",
        "worker": "box:77",
        "may_arrive_until": None,
    }
    PendingAction.objects.filter(pk=action.pk).update(evidence=evidence)

    page = operator_client.get(page_of(action)).content.decode()

    for shown in ("2026-01-02 03:04:05 UTC", "2026-01-02 03:04:06 UTC", "box:77", "May still arrive until"):
        assert shown in page
