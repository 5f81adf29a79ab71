"""Pending actions: what they say, how they are decided, and that each is decided once."""

import json

import pytest

from runs.models import Membership, PendingAction, Run
from tests.runs.api.conftest import ACTIONS, NOBODY, RUNS, assert_problem
from tests.testapp.agents import CALLS

pytestmark = pytest.mark.django_db

HAND_ON = ["ask", "reassign", "escalate"]
LEAST = set(
    "id kind status run step tool arguments effect effect_key reason verbs requested_at expires_at decided_at "
    "decided_by note".split()
)


def decide(api, action, verb, body=None):
    return api.post(f"{ACTIONS}{action.pk}/{verb}/", body)


def test_an_open_approval_tells_what_will_be_done(api, approval):
    document = api.get(f"{ACTIONS}{approval.pk}/").json()

    assert document.keys() >= LEAST
    assert (document["kind"], document["status"], document["tool"]) == ("approval", "open", "refund")
    assert document["arguments"] == {"order_id": "7", "amount_usd": 5.0}
    assert (document["run"], document["step"], document["effect"]) == (str(approval.run_id), 2, "unsafe")
    assert document["verbs"] == ["approve", "approve_with_edits", "reject", *HAND_ON]
    assert document["effect_key"] and document["reason"]
    assert (document["decided_at"], document["decided_by"], document["note"]) == (None, None, "")
    assert document["requested_at"].endswith("Z") and document["expires_at"].endswith("Z")


@pytest.mark.parametrize(
    ("fixture", "verbs"),
    [("question", ["answer"]), ("outcome", ["resolve", "reject"]), ("budget", ["approve", "raise", "reject"])],
)
def test_every_kind_tells_its_verbs(api, request, fixture, verbs):
    action = request.getfixturevalue(fixture)

    document = api.get(f"{ACTIONS}{action.pk}/").json()

    assert (document["kind"], document["verbs"]) == (fixture, [*verbs, *HAND_ON]) and document.keys() >= LEAST


def test_the_list_is_filtered_and_the_tenants_own(api, foreign, approval):
    def ids(query):
        return [action["id"] for action in api.get(f"{ACTIONS}?{query}").json()["results"]]

    own = [str(approval.pk)]
    assert ids("") == ids("status=open") == ids("status=open&status=expired") == ids("kind=approval") == own
    assert ids(f"run={approval.run_id}") == ids("tool=refund") == own
    assert ids("status=approved") == ids("kind=budget") == ids(f"run={NOBODY}") == []
    assert foreign.get(ACTIONS).json() == {"results": [], "next": None}


@pytest.mark.parametrize("query", ["status=x", "kind=x", "run=x", "tool=%00", "limit=x", "who=me"])
def test_a_filter_that_does_not_fit_is_422(api, query):
    assert_problem(api.get(f"{ACTIONS}?{query}"), 422, "invalid", query.partition("=")[0])


def test_filtering_by_another_tenants_run_tells_nothing(foreign, approval):
    answers = [foreign.get(f"{ACTIONS}?run={run}") for run in (approval.run_id, NOBODY)]

    assert answers[0].content == answers[1].content, "else it would tell which ids exist"


# Approve


def test_an_approved_call_is_made(api, approval, work):
    answer = decide(api, approval, "approve", {"note": "fine"})
    work()

    document = answer.json()
    assert (answer.status_code, document["status"], document["decided_by"]) == (200, "approved", "service@acme")
    assert document["note"] == "fine" and document["decided_at"].endswith("Z") and document["verbs"] == []
    assert CALLS["refund"] == 1 and Run.objects.get().status == "completed"


def test_approving_needs_no_body(api, approval):
    assert decide(api, approval, "approve").status_code == 200


def test_approved_arguments_may_be_others(api, approval, work):
    decide(api, approval, "approve", {"arguments": {"order_id": "7", "amount_usd": 2.5}})
    work()

    step = api.get(f"{RUNS}{approval.run_id}/steps/").json()["results"][1]
    assert step["arguments"] == {"order_id": "7", "amount_usd": 2.5} and "2.5" in json.dumps(step["result"])


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"order_id": "7", "amount_usd": "much"}, "arguments.amount_usd"),
        ({"order_id": 7, "amount_usd": 1}, "arguments.order_id"),
        ("all", "arguments"),
        (json.loads('{"a":' * 40 + "1" + "}" * 40), "arguments"),
    ],
)
def test_other_arguments_must_fit_the_tool(api, approval, arguments, field):
    assert_problem(decide(api, approval, "approve", {"arguments": arguments}), 422, "invalid", field)

    approval.refresh_from_db()
    assert approval.status == "open"


@pytest.mark.parametrize("arguments", [{"order_id": "7"}, {"order_id": "7", "amount_usd": 1, "more": 1}])
def test_other_arguments_must_be_those_of_the_tool(api, approval, arguments):
    document = assert_problem(decide(api, approval, "approve", {"arguments": arguments}), 422, "invalid")

    assert all(error["field"].startswith("arguments") for error in document["errors"])


@pytest.mark.fault(33)
def test_the_same_verdict_twice_is_the_same(api, approval, work):
    first, second = (decide(api, approval, "approve") for _ in range(2))
    work()

    assert (first.status_code, second.status_code) == (200, 200) and first.json() == second.json()
    assert CALLS["refund"] == 1


@pytest.mark.fault(33)
def test_another_verdict_is_409_and_names_who_was_faster(api, api_of, approval):
    decide(api_of("olga"), approval, "approve")

    document = assert_problem(decide(api, approval, "reject", {"note": "no"}), 409, "conflict")

    assert "approved" in document["detail"] and "olga" in document["detail"]


def test_other_arguments_after_the_decision_are_409(api, approval):
    decide(api, approval, "approve")

    answer = decide(api, approval, "approve", {"arguments": {"order_id": "7", "amount_usd": 1}})

    assert_problem(answer, 409, "conflict")


def test_an_approved_budget_is_raised(api, budget):
    answer = decide(api, budget, "approve", {"arguments": {"max_cost_usd": "0.75"}})

    assert answer.status_code == 200
    assert api.get(f"{RUNS}{budget.run_id}/").json()["max_cost_usd"] == "0.75"


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "-1", "0", "1e9", "much", None, [], 1e308])
def test_a_budget_must_be_an_amount(api, budget, amount):
    answer = decide(api, budget, "approve", {"arguments": {"max_cost_usd": amount}})

    assert_problem(answer, 422, "invalid", "arguments.max_cost_usd")


# Reject


def test_a_rejected_call_is_not_made_and_the_model_is_told(api, approval, work):
    answer = decide(api, approval, "reject", {"note": "too much"})
    work()

    assert (answer.status_code, answer.json()["status"], answer.json()["note"]) == (200, "rejected", "too much")
    step = api.get(f"{RUNS}{approval.run_id}/steps/").json()["results"][1]
    assert step["status"] == "skipped" and "too much" in step["result"]["text"]
    assert CALLS["refund"] == 0


@pytest.mark.parametrize("body", [None, {}, {"note": ""}, {"note": "  "}, {"note": 5}, {"note": None}])
def test_rejecting_needs_a_note(api, approval, body):
    assert_problem(decide(api, approval, "reject", body), 422, "invalid", "note")


# Resolve


def test_what_happened_becomes_the_result(api, outcome, work):
    answer = decide(api, outcome, "resolve", {"outcome": "happened", "result": {"mail": 7}})
    work()

    assert (answer.status_code, answer.json()["status"]) == (200, "resolved")
    assert CALLS["send"] == 1 and Run.objects.get().status == "completed"


def test_what_did_not_happen_waits_until_it_cannot_any_more(api, outcome):
    answer = decide(api, outcome, "resolve", {"outcome": "did_not_happen"})

    assert_problem(answer, 409, "wrong_state")
    assert PendingAction.objects.get().status == "open"


def test_a_resolved_outcome_is_not_resolved_otherwise(api, outcome):
    decide(api, outcome, "resolve", {"outcome": "happened"})

    assert decide(api, outcome, "resolve", {"outcome": "happened"}).status_code == 200
    assert_problem(decide(api, outcome, "resolve", {"outcome": "happened", "result": 1}), 409, "conflict")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "outcome"),
        ({"outcome": "perhaps"}, "outcome"),
        ({"outcome": True}, "outcome"),
        ({"outcome": "happened", "result": json.loads("[" * 300 + "]" * 300)}, "result"),
        ({"outcome": "happened", "why": "x"}, "why"),
    ],
)
def test_an_outcome_that_does_not_fit_is_422(api, outcome, body, field):
    assert_problem(decide(api, outcome, "resolve", body), 422, "invalid", field)


# Who and what


@pytest.mark.parametrize(
    ("fixture", "verb", "body"),
    [
        ("approval", "resolve", {"outcome": "happened"}),
        ("question", "approve", {}),
        ("question", "reject", {"note": "no"}),
        ("question", "resolve", {"outcome": "happened"}),
        ("outcome", "approve", {}),
        ("budget", "resolve", {"outcome": "happened"}),
    ],
)
def test_a_verb_that_does_not_fit_the_kind_is_409(api, request, fixture, verb, body):
    action = request.getfixturevalue(fixture)

    assert_problem(decide(api, action, verb, body), 409, "wrong_state")


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_a_user_without_the_role_may_not_decide(api_of, approval, role):
    olga = api_of("olga")
    Membership.objects.filter(user__username="olga").update(role=role)

    assert_problem(decide(olga, approval, "approve"), 403, "forbidden")


@pytest.mark.fault(34)
def test_an_expired_action_is_not_decided(api, approval):
    PendingAction.objects.update(expires_at="2020-01-01T00:00:00Z")

    assert_problem(decide(api, approval, "approve"), 409, "wrong_state")


def test_an_outcome_shows_what_is_known_and_the_other_kinds_nothing(api, outcome, approval):
    evidence = api.get(f"{ACTIONS}{outcome.pk}/").json()["evidence"]

    assert evidence.keys() == {"begun_at", "last_heartbeat_at", "worker", "may_arrive_until"}
    assert evidence["worker"] == "test" and evidence["last_heartbeat_at"] is None, "its worker lives"
    assert evidence["begun_at"].endswith("Z") and evidence["may_arrive_until"] > evidence["begun_at"]
    assert api.get(f"{ACTIONS}{approval.pk}/").json()["evidence"] is None
