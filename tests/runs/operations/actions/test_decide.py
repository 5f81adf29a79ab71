"""What all verdicts share: the right is that of the moment, and the same verdict again is recognised as JSON."""

import pytest

from runs.errors import ConflictError, NotPermittedError
from runs.models import PendingAction, Role
from runs.operations.actions.answer import answer
from runs.operations.actions.approve import approve
from runs.operations.actions.delegate import escalate
from runs.operations.actions.raise_budget import raise_budget
from runs.operations.actions.reject import reject
from runs.operations.actions.resolve import resolve
from tests.runs.budgets.money import budget, price_calls
from tests.runs.engine.story import say, use
from tests.testapp.agents import FAIL

pytestmark = pytest.mark.django_db

DECIDES = {
    "approval": lambda action, user: reject(action, user=user, note="no"),
    "question": lambda action, user: answer(action, user=user, text="Bob"),
    "outcome": lambda action, user: resolve(action, user=user, outcome="happened"),
    "budget": lambda action, user: raise_budget(action, user=user),
    "period": lambda action, user: raise_budget(action, user=user),
}


@pytest.fixture
def asked(offline, post, work, tenant):
    """Let a run ask a person something; return the open action."""

    def asked(kind):
        stories = {"approval": ("cashier", use(("pay", {"to": "bob", "amount_usd": 1.0})))}
        stories["outcome"] = ("clerk", use(("send", {"to": "bob"})))
        job_type, turn = stories.get(
            kind, ({"question": "talker", "budget": "thrifty"}.get(kind, "clerk"), say("Who?"))
        )
        if kind == "period":
            price_calls()
            budget("0.5", tenant=tenant)
        FAIL["send"] = [ConnectionError("reset by peer")]
        offline({"turns": [turn, say("Done.")]})
        run = post(job_type, max_cost_usd=100) if kind == "period" else post(job_type)
        work()
        return PendingAction.objects.select_related("run", "step").get(run=run)

    return asked


@pytest.mark.parametrize("kind", DECIDES)
def test_who_was_not_refused_before_the_lock_is_refused_under_it(asked, person, kind):
    action, anna = asked(kind), person("anna")
    assert bool(action.budget_period_id) == (kind == "period")
    escalate(PendingAction.objects.get(pk=action.pk), user=person("ben"))

    with pytest.raises(NotPermittedError):
        DECIDES[kind](action, anna)

    action.refresh_from_db()
    assert action.status == "open"
    assert DECIDES[kind](action, person("chef", Role.ADMIN)).status != "open"


def test_true_and_one_are_two_verdicts(asked, person):
    outcome = asked("outcome")
    resolve(outcome, user=person("anna"), outcome="happened", result={"sent": True, "at": 7})

    with pytest.raises(ConflictError, match="anna"):
        resolve(outcome, user=person("ben"), outcome="happened", result={"sent": 1, "at": 7})
    again = resolve(outcome, user=person("ben"), outcome="happened", result={"at": 7, "sent": True})
    assert again.decided_by == person("anna")


def test_what_is_shown_and_was_tampered_with_is_not_approved(asked, person):
    action = asked("approval")
    PendingAction.objects.filter(pk=action.pk).update(arguments={"to": "eve", "amount_usd": 1.0})

    with pytest.raises(ConflictError, match="not the ones that were proposed"):
        approve(action, user=person("anna"))

    assert PendingAction.objects.get(pk=action.pk).status == "open"
    assert reject(action, user=person("anna"), note="Who is eve?").status == "rejected"


@pytest.mark.parametrize("loss", ["disabled", "expelled"])
def test_the_requester_answers_with_any_role_and_with_none_does_not(asked, person, loss):
    action, rita = asked("question"), person("rita", Role.VIEWER)
    action.run.requested_by = rita
    action.run.save()
    if loss == "disabled":
        rita.is_active = False
    else:
        rita.memberships.all().delete()
    with pytest.raises(NotPermittedError):
        DECIDES["question"](action, rita)

    rita.is_active = True
    person("rita", Role.VIEWER)

    assert DECIDES["question"](action, rita).status == "answered"
