"""Deciding over HTTP: exact, timely, permitted, once; and handing on, in bulk, by rule."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from runs import clock
from runs.declarations.catalog import job_type_named
from runs.models import ApprovalPolicy, Membership, PendingAction, Role, Run
from runs.models.fields import hash_of
from runs.operations.accounts import make_member
from runs.operations.revoke_tool import revoke_tool
from tests.runs.api.conftest import ACTIONS, assert_problem, say, use
from tests.testapp.agents import CALLS, pay

pytestmark = pytest.mark.django_db
RULES = "/api/v1/approval-rules/"


@pytest.fixture
def payment(offline, post, work):
    """Let the cashier propose one payment; return the open approval."""

    def propose(amount_usd=100.0):
        from runs.engine import provider

        provider.close_client()
        offline({"turns": [use("pay", to="bob", amount_usd=amount_usd), say("Done. {{tool:pay}}")]})
        run = post("cashier")
        work()
        return PendingAction.objects.get(run=run)

    return propose


def on(api, action, verb, **body):
    return api.post(f"{ACTIONS}{action.pk}/{verb}/", body)


def test_four_eyes_show_one_of_two_and_void_approvals(api_of, payment, work):
    ApprovalPolicy.objects.create(tool="pay", approvals=2)
    action, anna, ben = payment(), api_of("anna"), api_of("ben")

    first = on(anna, action, "approve", note="fine").json()
    edited = on(ben, action, "approve", arguments={"to": "bob", "amount_usd": 7.0}).json()
    second = on(anna, action, "approve").json()

    assert (first["status"], first["approvals_needed"]) == ("open", 2)
    assert [(a["by"], a["counts"]) for a in first["approvals"]] == [("anna", True)]
    assert [(a["by"], a["counts"]) for a in edited["approvals"]] == [("anna", False), ("ben", True)]
    assert edited["status"] == "open" and edited["proposed"]["amount_usd"] == 100.0
    assert (second["status"], second["decided_by"]) == ("approved", "anna")
    work()
    assert Run.objects.get(pk=action.run_id).output == "Done. paid 7.0 to bob" and CALLS["pay"] == 1


def test_whoever_asked_for_the_run_is_refused(api_of, payment):
    action, anna = payment(), api_of("anna")
    Run.objects.filter(pk=action.run_id).update(requested_by=make_member(action.tenant, "anna"))

    assert "somebody else" in assert_problem(on(anna, action, "approve"), 403, "forbidden")["detail"]


def test_after_its_time_it_is_refused(api, payment):
    action = payment()
    PendingAction.objects.update(expires_at=clock.now() - timedelta(seconds=1))

    assert "expired" in assert_problem(on(api, action, "approve"), 409, "wrong_state")["detail"]


def test_a_decider_who_lost_the_role_is_refused_and_so_is_the_call_of_one_who_lost_it_after(api_of, payment, work):
    action, anna = payment(), api_of("anna")
    on(anna, action, "approve")
    Membership.objects.filter(user__username="anna").update(role=Role.VIEWER)

    work()
    later = payment()

    assert Run.objects.get(pk=action.run_id).steps.get(seq=2).error["type"] == "permission_denied"
    assert not CALLS["pay"]
    assert_problem(on(anna, later, "approve"), 403, "forbidden")


def test_a_revoked_tool_is_refused_at_the_decision_and_not_called_after_it(api, payment, work, user):
    before, after = payment(), payment()
    on(api, before, "approve")
    revoke_tool("pay", tenant=before.tenant, reason="audit", user=user)

    assert "revoked" in assert_problem(on(api, after, "approve"), 409, "wrong_state")["detail"]
    work()
    assert Run.objects.get(pk=before.run_id).status == "completed" and not CALLS["pay"]


def test_a_changed_schema_asks_again(api, payment, work):
    action, cashier = payment(), job_type_named("cashier")
    on(api, action, "approve")
    schema = json.loads(json.dumps(pay.input_schema)) | {"description": "as of today"}
    cashier.__dict__["tools_by_name"] = {"pay": replace(pay, input_schema=schema)}
    try:
        work()
    finally:
        del cashier.__dict__["tools_by_name"]

    again = PendingAction.objects.get(run=action.run_id, status="open")
    assert not CALLS["pay"] and "declaration of its tool" in again.reason


@pytest.mark.parametrize("tampered", ["step", "action", "action and hash", "action later"])
def test_a_tampered_row_is_not_called(api, payment, work, tampered):
    action, eves = payment(), {"to": "eve", "amount_usd": 9.0}
    row = PendingAction.objects.filter(pk=action.pk)
    if tampered == "action":  # before the decision: what is shown is not what the agent proposed
        row.update(arguments=eves)
    elif tampered == "action and hash":
        row.update(arguments=eves, arguments_hash=hash_of(eves))
    on(api, action, "approve")
    if tampered == "action later":
        row.update(arguments=eves)
    elif tampered == "step":
        action.run.steps.filter(seq=2).update(arguments=eves)

    work()

    assert not CALLS["pay"]


def test_the_thread_tells_what_was_asked_and_handed_on(api_of, payment):
    action, anna = payment(), api_of("anna")
    api_of("ben")

    assert on(anna, action, "ask", text="Which invoice?").status_code == 200
    assert on(anna, action, "reply", text="7, says the desk.").status_code == 200
    assert on(anna, action, "reassign", to="ben").json()["assignee"] == "ben"
    assert on(anna, action, "escalate", note="big").json()["escalated_at"]
    assert_problem(on(anna, action, "escalate"), 409, "conflict")
    assert_problem(on(anna, action, "reassign", to="nobody"), 422, "invalid", "to")

    thread = anna.get(f"{ACTIONS}{action.pk}/").json()["thread"]
    assert [(said["by"], said["what"], said["text"]) for said in thread] == [
        ("anna", "asked", "Which invoice?"),
        ("anna", "replied", "7, says the desk."),
        ("anna", "reassigned", "ben"),
        ("anna", "escalated", "big"),
    ]
    assert [a["id"] for a in anna.get(f"{ACTIONS}?assignee=ben").json()["results"]] == []


def test_a_question_is_answered_and_a_budget_raised_as_actions(api, question, budget, work):
    assert on(api, question, "answer", text="The second.").json()["status"] == "answered"
    raised = on(api, budget, "raise", max_cost_usd="2.50").json()

    assert (raised["status"], raised["arguments"]) == ("approved", {"max_cost_usd": "2.5"})
    assert_problem(on(api, question, "raise", max_cost_usd="1"), 409, "wrong_state")


def test_many_are_decided_at_once_after_a_preview(api, payment, work):
    small, big = payment(5.0), payment(100.0)
    ids = [str(small.pk), str(big.pk)]

    seen = api.post(f"{ACTIONS}bulk/", {"ids": ids, "verb": "approve", "dry_run": True}).json()
    assert PendingAction.objects.filter(status="open").count() == 2
    done = api.post(f"{ACTIONS}bulk/", {"ids": ids, "verb": "approve"}).json()

    assert [item["arguments"]["amount_usd"] for item in seen["items"]] == [5.0, 100.0]
    assert [bool(item["skipped"]) for item in seen["items"]] == [False, True]
    assert done["counts"] == {"decided": 1, "agreed": 0, "skipped": 1}
    work()
    assert CALLS["pay"] == 1


def test_what_was_edited_since_it_was_seen_is_not_approved(api_of, payment):
    ApprovalPolicy.objects.create(tool="pay", approvals=2)
    action, anna = payment(5.0), api_of("anna")
    seen = anna.get(f"{ACTIONS}{action.pk}/").json()["bound_hash"]
    on(api_of("ben"), action, "approve", arguments={"to": "eve", "amount_usd": 19.0})

    alone = on(anna, action, "approve", seen=seen)
    together = anna.post(
        f"{ACTIONS}bulk/", {"ids": [str(action.pk)], "verb": "approve", "seen": {str(action.pk): seen}}
    )

    assert "edited since" in assert_problem(alone, 409, "conflict")["detail"]
    (item,) = together.json()["items"]
    assert "edited since" in item["skipped"] and item["status"] == "open" and item["bound_hash"] not in ("", seen)
    assert on(anna, action, "approve", seen=item["bound_hash"]).json()["status"] == "approved"


@pytest.mark.parametrize("seen", [{}, {"x": "hash"}, {"00000000-0000-4000-8000-000000000000": "hash"}, [], {"": 7}])
def test_a_bulk_decision_says_what_was_seen_of_each_or_of_none(api, payment, seen):
    answer = api.post(f"{ACTIONS}bulk/", {"ids": [str(payment(5.0).pk)], "verb": "approve", "seen": seen})

    assert_problem(answer, 422, "invalid")
    assert PendingAction.objects.get().status == "open"


def test_another_tenants_actions_take_no_part(foreign, payment):
    answer = foreign.post(f"{ACTIONS}bulk/", {"ids": [str(payment(5.0).pk)], "verb": "approve"})

    assert_problem(answer, 422, "invalid", "ids")


def test_a_rule_is_granted_used_and_revoked(api, payment, work):
    granted = api.post(
        RULES,
        {
            "tool": "pay",
            "reason": "small",
            "expires_at": (clock.now() + timedelta(hours=1)).isoformat(),
            "max_uses": 5,
            "max_usd": "20",
        },
    )
    rule = granted.json()
    used = payment(5.0)

    assert granted.status_code == 201 and rule["granted_by"] == "service@acme"
    shown = api.get(f"{ACTIONS}{used.pk}/").json()
    assert (shown["status"], shown["rule"], shown["risk"], shown["amount_usd"]) == ("approved", rule["id"], "low", "5")
    assert api.get(f"{RULES}{rule['id']}/").json()["uses"] == 1
    assert api.post(f"{RULES}{rule['id']}/revoke/", {}).json()["revoked_by"] == "service@acme"
    assert payment(5.0).status == "open" and CALLS["pay"] == 1


def test_a_rule_that_makes_no_sense_names_its_fields(api):
    body = {"tool": "pay", "reason": "r", "expires_at": "2020-01-01T00:00:00Z", "max_uses": 1}

    assert_problem(api.post(RULES, body), 422, "invalid", "expires_at")
    assert_problem(api.post(RULES, body | {"max_uses": 0}), 422, "invalid", "max_uses")
