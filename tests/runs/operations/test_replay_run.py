"""Going on with a failed run: once, however many ask."""

import pytest

from deadletters.models import DeadLetter
from runs.errors import InvalidTransitionError
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
