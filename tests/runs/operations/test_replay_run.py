"""Going on with a failed run: once, however many ask."""

import pytest

from deadletters.errors import DeadLetterDecidedError
from deadletters.models import DeadLetter
from runs.errors import InvalidTransitionError, NotPermittedError
from runs.invariants.every import breaches
from runs.maintenance.wake_timers import wake_timers
from runs.models import Run, RunEvent
from runs.operations.accounts import make_member, make_tenant
from runs.operations.preview_replay import preview_replay
from runs.operations.replay_run import replay_run, retry_run
from runs.operations.why import why
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
    assert len(refused) == 7, refused
    assert all(isinstance(error, InvalidTransitionError | DeadLetterDecidedError) for error in refused), refused
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


def test_a_replay_with_other_input_goes_on_in_the_same_conversation(offline, post, work, user):
    model = offline({"turns": [say("It is plum."), say("No.", faults=[REFUSAL]), say("Plum.")]})
    first = post("clerk", "The word is plum")
    work()
    second = post("clerk", "What was the word?", continues=first.pk)
    work()

    run_id = replay_run(second.pk, user, new_input={"text": "Which word was it?"})
    work()

    run = Run.objects.get(pk=run_id)
    assert (run.status, run.continues_id, run.forked_from_id) == ("completed", first.pk, second.pk)
    assert run.definition_id == Run.objects.get(pk=first.pk).definition_id
    said = [message["content"][0]["text"] for message in model.requests[-1]["body"]["messages"]]
    assert said == ["The word is plum", "It is plum.", "Which word was it?"]


@pytest.fixture
def retrying(offline, post, work):
    """A run whose model was overloaded once, and which waits for its second try."""
    offline({"turns": [say("Done.", faults=[{"kind": "overloaded"}])]})
    run = post("clerk")
    work()
    run.refresh_from_db()
    assert (run.status, run.attempts) == ("retrying", 1)
    return run


def test_a_run_that_waits_for_its_next_try_is_tried_now(retrying, work, user):
    due = retrying.next_attempt_at

    answered = retry_run(retrying, user=user)

    assert (answered.status, answered.next_attempt_at, answered.attempts) == ("queued", None, 1)
    event = answered.events.last()
    assert (event.kind, event.actor, event.data) == ("run.queued", user.username, {"was_due_at": due.isoformat()})
    assert not list(breaches(look_again_after_s=0))
    work()
    assert Run.objects.get(pk=retrying.pk).status == "completed" and not DeadLetter.objects.exists()


def test_of_many_who_do_not_wait_for_the_next_try_one_is_obeyed(retrying, work, user):
    answers = at_once(6, lambda _: retry_run(retrying, user=user))

    refused = [answer for answer in answers if isinstance(answer, Exception)]
    assert len(refused) == 5 and all(isinstance(error, InvalidTransitionError) for error in refused), refused
    assert retrying.events.filter(kind="run.queued", actor=user.username).count() == 1, "hurried once"


def test_who_may_not_operate_a_run_does_not_hurry_it(retrying, tenant):
    with pytest.raises(NotPermittedError):
        retry_run(retrying, user=make_member(make_tenant("globex"), "stranger"))
    assert Run.objects.get(pk=retrying.pk).status == "retrying"


def test_a_try_made_now_does_not_ask_a_model_whose_gate_is_shut(offline, post, work, user):
    limited = {"kind": "rate_limited", "retry_after_s": 600, "times": -1, "for_s": 600}
    model = offline({"turns": [say("Done.", faults=[limited])]})
    run = post("clerk")
    work()
    run.refresh_from_db()
    assert run.status == "retrying"

    retry_run(run, user=user)
    work()

    run.refresh_from_db()
    assert (run.status, run.attempts, [reason.code for reason in why(run)][:1]) == ("queued", 1, ["rate"])
    assert len(model.requests) == 1 and not list(breaches(look_again_after_s=0))


def test_a_run_of_a_job_type_that_this_deploy_lacks_keeps_its_letter_and_its_replays(offline, post, work, user):
    offline({"turns": [say("Done.", faults=[REFUSAL])]})
    run = post("clerk")
    work()
    letter = DeadLetter.objects.get(run_id=run.pk)
    Run.objects.filter(pk=run.pk).update(job_type="removed")

    assert "deploy it again first" in preview_replay(run.pk).refusal
    with pytest.raises(InvalidTransitionError, match="deploy it again first"):
        retry_run(Run.objects.get(pk=run.pk), user=user)

    letter.refresh_from_db()
    assert (letter.status, Run.objects.get(pk=run.pk).status) == ("open", "failed")
