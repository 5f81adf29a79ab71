"""Going on with a failed run: once, however many ask."""

import pytest

from deadletters.models import DeadLetter
from runs.errors import InvalidTransitionError
from runs.maintenance.wake_timers import wake_timers
from runs.models import RunEvent
from runs.operations.replay_run import retry_run
from tests.at_once import at_once
from tests.runs.engine.story import say, use
from tests.testapp.agents import CALLS

pytestmark = pytest.mark.django_db(transaction=True)

REFUSAL = {"kind": "status", "status": 403, "error_type": "permission_error", "message": "no", "times": 1}


@pytest.mark.fault(39)
def test_many_retries_at_once_are_one_and_finished_effects_are_kept(offline, post, work, user):
    CALLS.clear()
    offline({"turns": [use(("send", {"to": "bob"})), say("Done.", faults=[REFUSAL])]})
    run = post("clerk")
    work()

    answers = at_once(8, lambda _: retry_run(run, user=user))
    work()

    refused = [answer for answer in answers if isinstance(answer, Exception)]
    assert len(refused) == 7 and all(isinstance(error, InvalidTransitionError) for error in refused), refused
    run.refresh_from_db()
    assert run.status == "completed" and CALLS["send"] == 1
    assert RunEvent.objects.filter(run=run, kind="run.replayed").count() == 1
    assert DeadLetter.objects.get(run_id=run.pk).status == "replayed"


def test_a_retry_calls_the_model_only_for_the_missing_step(offline, post, work):
    model = offline({"turns": [use(("look_up", {"key": "k"})), say("Done.", faults=[{"kind": "overloaded"}])]})
    run = post("clerk")
    work()
    assert wake_timers() == 1
    work()

    run.refresh_from_db()
    asked = [(request["status"], len(request["body"]["messages"])) for request in model.requests]
    assert asked == [(200, 1), (529, 3), (200, 3)], "the first turn was not asked for again"
    assert run.status == "completed" and run.attempts == 0
    assert run.cost_usd == sum(call.cost_usd for call in run.model_calls.filter(status="settled"))


def test_a_replay_after_a_fix_bills_only_what_was_missing(offline, post, work, user):
    model = offline({"turns": [use(("look_up", {"key": "k"})), say("Done.", faults=[REFUSAL])]})
    run = post("clerk")
    work()
    run.refresh_from_db()
    spent = run.cost_usd
    first = run.model_calls.get(step__seq=1)
    assert run.status == "failed" and spent == first.cost_usd > 0

    retry_run(run, user=user)
    work()

    run.refresh_from_db()
    last = run.model_calls.get(status="settled", step__seq=3)
    assert run.status == "completed" and run.cost_usd == spent + last.cost_usd
    assert [request["status"] for request in model.requests] == [200, 403, 200]
