"""Forks: what is reused is reused byte for byte, costs nothing again, and owns no effect of the original."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deadletters.models import DeadLetter
from deadletters.replay import replay
from runs.engine.transcript import messages_of
from runs.errors import InvalidInputError, InvalidTransitionError, NotPermittedError
from runs.invariants.every import breaches
from runs.models import Membership, ModelCall, Role, Run
from runs.models.fields import dump_json
from runs.operations.accounts import make_member
from runs.operations.cancel_run import cancel_run
from runs.operations.fork_run import fork_run, steps_before
from tests.runs.engine.story import say, trace, use
from tests.testapp.agents import CALLS, FAIL, KEYS

pytestmark = pytest.mark.django_db

REFUSAL = {"kind": "status", "status": 403, "error_type": "permission_error", "message": "no", "times": 1}


@pytest.fixture(autouse=True)
def _fresh():
    for memory in (CALLS, KEYS, FAIL):
        memory.clear()


@pytest.fixture
def fail_run(offline, post, work):
    """Make a run of two turns of tools, and of a third question that the provider refuses so often: seven steps."""

    def fail_run(refusals):
        turns = [
            use(("put", {"value": 1}), ("send", {"to": "bob"})),
            use(("look_up", {"key": "a"}), ("put", {"value": 2})),
            say("Done.", faults=[REFUSAL | {"times": refusals}]),
        ]
        offline({"turns": turns})
        run = post("clerk")
        work()
        run.refresh_from_db()
        assert run.status == "failed" and run.steps.count() == 7
        return run

    return fail_run


@pytest.fixture
def failed(fail_run):
    return fail_run(1)


def test_a_fork_reuses_results_and_repeats_neither_money_nor_effects(failed, user, work):
    before = dict(CALLS)

    fork = fork_run(failed, user=user, from_step=7)
    work()

    fork.refresh_from_db()
    assert (fork.status, fork.output, fork.forked_from) == ("completed", "Done.", failed)
    assert (fork.definition, fork.max_cost_usd, fork.input) == (failed.definition, failed.max_cost_usd, failed.input)
    assert dict(CALLS) == before
    reused, asked = list(fork.steps.order_by("seq"))[:6], fork.steps.get(seq=7)
    assert [step.reused_from for step in reused] == list(
        failed.steps.filter(seq__lt=7).order_by("seq").values_list("pk", flat=True)
    )
    assert {(step.effect_key, step.cost_usd, step.input_tokens) for step in reused} == {(None, 0, 0)}
    assert fork.cost_usd == asked.cost_usd == ModelCall.objects.get(run=fork).cost_usd > 0
    assert list(breaches()) == []


def test_the_fork_sends_the_bytes_that_the_original_sent(failed, user, work):
    fork = fork_run(failed, user=user, from_step=4)
    work()

    def sent(run, seq):
        return ModelCall.objects.filter(run=run, step__seq=seq).values_list("body_hash", flat=True).first()

    assert sent(fork, 4) == sent(failed, 4)
    assert sent(fork, 1) is None


@pytest.mark.parametrize(("from_step", "reused"), [(1, 0), (3, 0), (4, 3), (5, 3), (6, 3), (7, 6)])
def test_a_step_inside_a_turn_moves_to_its_start(failed, user, from_step, reused):
    fork = fork_run(failed, user=user, from_step=from_step)

    assert trace(fork) == trace(failed)[:reused]


def test_effects_after_the_fork_are_done_anew_under_keys_of_the_fork(failed, user, work):
    fork = fork_run(failed, user=user, from_step=1)
    work()

    assert CALLS["send"] == 2 and len(set(KEYS)) == len(KEYS)
    assert Run.objects.get(pk=fork.pk).status == "completed"
    assert list(breaches()) == []


def test_a_fork_of_a_fork_names_the_step_that_really_ran(failed, user, work):
    first = fork_run(failed, user=user, from_step=7)
    work()
    second = fork_run(first, user=user, from_step=4)
    work()

    originals = failed.steps.filter(seq__lt=4).order_by("seq").values_list("pk", flat=True)
    assert [step.reused_from for step in second.steps.filter(seq__lt=4).order_by("seq")] == list(originals)
    assert list(breaches()) == []


def test_a_fork_that_fails_may_be_replayed_and_goes_on(fail_run, user, work):
    fork = fork_run(fail_run(2), user=user, from_step=7)
    work()
    letter = DeadLetter.objects.get(run_id=fork.pk)

    replay(letter, user=user)
    work()

    fork.refresh_from_db()
    assert fork.status == "completed"
    assert list(breaches()) == []


def test_replaying_a_letter_from_a_step_is_a_fork_and_both_know_each_other(failed, user, work):
    letter = DeadLetter.objects.get(run_id=failed.pk)

    new = replay(letter, user=user, from_step=5)
    work()

    fork = Run.objects.get(pk=new)
    assert (letter.status, letter.replayed_as, fork.forked_from_id) == ("replayed", new, failed.pk)
    assert fork.status == "completed" and fork.steps.filter(reused_from__isnull=False).count() == 3
    assert Run.objects.get(pk=failed.pk).status == "failed"


def test_new_input_needs_the_first_step(failed, user, work):
    with pytest.raises(InvalidInputError) as refused:
        fork_run(failed, user=user, from_step=4, new_input={"text": "other"})
    assert set(refused.value.errors) == {"input"}

    fork = fork_run(failed, user=user, from_step=1, new_input={"text": "other"})
    assert (fork.input, fork.steps.count(), fork.definition) == ({"text": "other"}, 0, failed.definition)


@pytest.mark.parametrize("from_step", [0, -1, 8])
def test_a_step_that_is_not_there_is_named(failed, user, from_step):
    with pytest.raises(InvalidInputError, match="from_step: give a number from 1 to 7"):
        fork_run(failed, user=user, from_step=from_step)


def test_wrong_input_is_refused(failed, user):
    with pytest.raises(InvalidInputError):
        fork_run(failed, user=user, from_step=1, new_input={"word": "other"})


def test_an_unknown_effect_is_neither_reused_nor_passed_over(offline, post, work, user):
    FAIL["send"] = [ConnectionError("reset by peer")]
    offline({"turns": [use(("send", {"to": "bob"}), ("put", {"value": 1})), say("Done.")]})
    run = post("clerk")
    work()
    cancel_run(run, user=user)
    run.refresh_from_db()
    assert trace(run)[1] == ("tool_call", "send", "unknown")

    fork = fork_run(run, user=user, from_step=2)
    assert fork.steps.count() == 0  # before the model asked for it
    run.steps.filter(seq=3).update(kind="model_call")  # as if it had gone on
    with pytest.raises(InvalidTransitionError, match=r"step 2 \(send\) is unknown"):
        fork_run(run, user=user, from_step=3)


def test_only_what_has_ended_is_forked_and_only_by_who_may(offline, post, work, user, tenant):
    run = post("clerk")
    with pytest.raises(InvalidTransitionError, match="cancel it first"):
        fork_run(run, user=user, from_step=1)
    cancel_run(run, user=user)
    clara = make_member(tenant, "clara")
    Membership.objects.filter(user=clara).update(role=Role.VIEWER)

    with pytest.raises(NotPermittedError):
        fork_run(run, user=clara, from_step=1)
    assert fork_run(run, user=user, from_step=1).status == "queued"


def test_a_plain_job_does_again_what_follows(post, work, user):
    run = post("squares", input={"upto": 3})
    work()

    fork = fork_run(run, user=user, from_step=3)
    work()

    fork.refresh_from_db()
    assert fork.output == {"values": [1, 4, 9]}
    assert [CALLS[f"square-{n}"] for n in (1, 2, 3)] == [1, 1, 2]
    assert list(breaches()) == []


TOOLS = st.sampled_from(
    [("look_up", {"key": "a"}), ("put", {"value": 1}), ("look_up", {"key": "", "wrong": 1}), ("nothing", {})]
)
TURNS = st.lists(st.lists(TOOLS, min_size=1, max_size=3), max_size=4)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(turns=TURNS, data=st.data())
def test_the_transcript_up_to_the_fork_is_the_same_to_the_byte(offline, post, work, user, turns, data):
    offline({"turns": [*(use(*calls) for calls in turns), say("Done.")]})
    run = post("clerk", "hällo")
    work()
    run.refresh_from_db()
    steps = list(run.steps.order_by("seq"))
    from_step = data.draw(st.integers(1, len(steps)))

    fork = fork_run(run, user=user, from_step=from_step)

    kept = steps_before(steps, from_step)
    assert dump_json(messages_of("hällo", fork.steps.order_by("seq"))) == dump_json(messages_of("hällo", kept))
    work()
    fork.refresh_from_db()
    assert (fork.status, fork.output) == (run.status, run.output)
    assert trace(fork) == trace(run)
    assert list(breaches()) == []
