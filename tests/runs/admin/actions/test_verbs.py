"""Each verb by POST: what it does, who may, and who was faster."""

import json

import pytest

from runs.models import Approval, ApprovalPolicy, PendingAction, RunEvent
from runs.operations.actions.approve import approve
from tests.runs.admin.actions.pages import page_of, text_of, texts, verb_of
from tests.runs.admin.conftest import OPERATOR, signed_in
from tests.runs.admin.rows import make_user, make_waiting

pytestmark = pytest.mark.django_db

VERBS = ["approve", "reject", "resolve", "answer", "raise", "ask", "reply", "reassign", "escalate"]
SAID = {
    "approve": ("approval", {}),
    "reject": ("approval", {"note": "no"}),
    "resolve": ("outcome", {"outcome": "happened", "result": "1"}),
    "answer": ("question", {"text": "yes"}),
    "raise": ("budget", {"max_cost_usd": "2"}),
    "ask": ("approval", {"text": "why?"}),
    "reply": ("approval", {"text": "so"}),
    "reassign": ("approval", {"to": "boss"}),
    "escalate": ("approval", {"note": "too big for me"}),
}
MAY = {
    "viewer": set(),
    "operator": {"answer", "ask", "reply", "reassign", "escalate"},
    "approver": set(VERBS),
    "admin": set(VERBS),
}


@pytest.fixture
def person(tenant):
    return lambda name, role="approver": signed_in(make_user(name, tenant=tenant, role=role, perms=OPERATOR))


@pytest.mark.parametrize("role", MAY)
@pytest.mark.parametrize("verb", VERBS)
def test_a_role_may_say_what_is_its_own_and_nothing_else(person, tenant, role, verb):
    make_user("boss", tenant=tenant)
    kind, said = SAID[verb]
    action = make_waiting(tenant, kind)
    before = action.run.event_seq

    answer = person("somebody", role).post(verb_of(action, verb), said)

    may = verb in MAY[role]
    happened = RunEvent.objects.filter(run=action.run, seq__gt=before).exists()
    assert (answer.status_code, happened) == (302 if may else 403, may)


@pytest.mark.parametrize("verb", VERBS)
def test_getting_a_verb_changes_nothing(operator_client, tenant, verb):
    action = make_waiting(tenant, SAID[verb][0])
    before = PendingAction.objects.values().get(pk=action.pk)

    assert operator_client.get(verb_of(action, verb)).status_code == 405
    assert PendingAction.objects.values().get(pk=action.pk) == before


@pytest.mark.parametrize("verb", VERBS)
def test_without_the_permission_no_verb_is_said(reader_client, tenant, verb):
    kind, said = SAID[verb]

    assert reader_client.post(verb_of(make_waiting(tenant, kind), verb), said).status_code == 403


# High risk, four eyes, edits


def test_high_risk_asks_why_and_keeps_what_was_typed(operator_client, tenant):
    action = make_waiting(tenant, amount=1500.0)
    typed = json.dumps(action.arguments)

    page = operator_client.post(verb_of(action, "approve"), {"arguments": typed, "note": " "})
    form = page.context["card"].choices[0].form
    assert "say why" in form.errors["note"][0] and form["arguments"].value() == typed
    assert PendingAction.objects.get(pk=action.pk).status == "open"

    operator_client.post(verb_of(action, "approve"), {"arguments": typed, "note": "Seen the invoice."})
    assert PendingAction.objects.get(pk=action.pk).status == "approved"


def test_an_edit_of_low_risk_to_high_asks_why_too_and_is_not_kept(operator_client, tenant):
    action = make_waiting(tenant, amount=5.0)
    edited = {"order_id": "5098", "amount_usd": 1500.0}

    operator_client.post(verb_of(action, "approve"), {"arguments": json.dumps(edited)})

    action.refresh_from_db()
    assert (action.status, action.arguments["amount_usd"], action.risk) == ("open", 5.0, "low")


def test_two_people_agree_and_the_first_is_told_that_it_stays_open(person, tenant):
    ApprovalPolicy.objects.create(tool="console_refund", approvals=2)
    action, anna, ben = make_waiting(tenant), person("anna"), person("ben")

    first = anna.post(verb_of(action, "approve"), {}, follow=True)
    again = anna.post(verb_of(action, "approve"), {}, follow=True)

    assert "stays open" in texts(first) and "1 of 2" in first.content.decode() and "1 of 2" in again.content.decode()
    ben.post(verb_of(action, "approve"), {})
    assert PendingAction.objects.get(pk=action.pk).status == "approved"


def test_editing_after_the_first_approval_makes_it_void(person, tenant):
    ApprovalPolicy.objects.create(tool="console_refund", approvals=2)
    action, anna, ben = make_waiting(tenant), person("anna"), person("ben")
    anna.post(verb_of(action, "approve"), {})

    edited = {"order_id": "5098", "amount_usd": 100.0}
    ben.post(verb_of(action, "approve"), {"arguments": json.dumps(edited)})

    page = text_of(anna, page_of(action))
    assert (
        "1 of 2" in page and "void since the arguments were edited" in page and '<del>-   "amount_usd": 910.5' in page
    )


def test_what_was_edited_since_it_was_seen_is_not_approved_unseen(person, tenant):
    ApprovalPolicy.objects.create(tool="console_refund", approvals=2)
    action, anna, ben = make_waiting(tenant), person("anna"), make_user("ben", tenant=tenant)
    approve(action, user=ben, arguments={"order_id": "5098", "amount_usd": 100.0})

    answer = anna.post(verb_of(action, "approve"), {"seen": action.bound_hash, "back": "run"}, follow=True)

    assert "look at it again" in texts(answer)
    assert Approval.objects.get(action=action).user == ben


def test_a_schema_error_stays_on_the_page_at_its_field(operator_client, tenant):
    action = make_waiting(tenant)

    page = operator_client.post(verb_of(action, "approve"), {"arguments": '{"order_id": "1", "amount_usd": "many"}'})

    assert "amount_usd: " in page.context["card"].choices[0].form.errors["arguments"][0]
    assert '"many"' in page.context["card"].choices[0].form["arguments"].value()


# Races


@pytest.mark.parametrize("second", ["approve", "reject", "ask", "reassign", "escalate"])
def test_who_comes_second_is_told_who_won_and_when(person, tenant, second):
    make_user("boss", tenant=tenant)
    action, anna, ben = make_waiting(tenant), person("anna"), person("ben")
    anna.post(verb_of(action, "approve"), {"note": "fine"})

    answer = ben.post(verb_of(action, second), {"note": "no", "text": "why?", "to": "boss"}, follow=True)

    assert "lready approved by anna" in texts(answer) and "s ago" in texts(answer)
    assert PendingAction.objects.get(pk=action.pk).note == "fine"


# Handing on


def test_asking_and_replying_are_shown_in_their_order(person, tenant):
    action, anna, ben = make_waiting(tenant), person("anna"), person("ben", "operator")

    anna.post(verb_of(action, "ask"), {"text": "Which invoice?"})
    ben.post(verb_of(action, "reply"), {"text": "Number 7."})

    page = text_of(anna, page_of(action))
    assert page.index("Which invoice?") < page.index("Number 7.")
    assert PendingAction.objects.get(pk=action.pk).status == "open"


def test_only_people_who_may_decide_are_offered_and_taken(person, tenant, other_tenant):
    make_user("boss", tenant=tenant)
    make_user("vera", tenant=tenant, role="viewer")
    make_user("stranger", tenant=other_tenant)
    anna, own = person("anna"), make_user("own", tenant=tenant)
    action = make_waiting(tenant, requested_by=own)

    form = next(c.form for c in anna.get(page_of(action)).context["handing_on"] if c.name == "reassign")
    assert [name for name, _ in form.fields["to"].choices] == ["anna", "boss"]

    page = anna.post(verb_of(action, "reassign"), {"to": "vera"})
    assert page.status_code == 200 and page.context["opened"] and not PendingAction.objects.get(pk=action.pk).assignee
    anna.post(verb_of(action, "reassign"), {"to": "boss"})
    assert PendingAction.objects.get(pk=action.pk).assignee.username == "boss"


def test_escalating_twice_is_refused(person, tenant):
    action, boss = make_waiting(tenant), person("boss", "admin")

    boss.post(verb_of(action, "escalate"), {"note": "not mine to decide"})
    answer = boss.post(verb_of(action, "escalate"), {}, follow=True)

    assert "already escalated" in texts(answer) and "not mine to decide" in text_of(boss, page_of(action))


def test_approving_twice_does_not_count_twice_and_says_so(person, tenant):
    ApprovalPolicy.objects.create(tool="console_refund", approvals=2)
    action, anna = make_waiting(tenant), person("anna")
    typed = {"arguments": json.dumps(action.arguments), "note": "fine"}

    first = texts(anna.post(verb_of(action, "approve"), typed, follow=True))
    second = texts(anna.post(verb_of(action, "approve"), typed, follow=True))

    assert "Your approval counts" in first
    assert "counts." not in second and "You have approved this already" in second
    assert action.approvals.count() == 1
    assert [event.kind for event in action.run.events.all()].count("action.agreed") == 1
