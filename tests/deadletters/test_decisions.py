"""The verbs of a letter: each decided once, by somebody who may, and written down."""

import json
from datetime import timedelta

import pytest

from deadletters.decisions import assign, discard, finish_task, make_task
from deadletters.errors import DeadLetterDecidedError, NotAMemberError, ReplaysExhaustedError
from deadletters.invariants import dead_letters_agree
from deadletters.models import DeadLetter, LetterEvent
from deadletters.replay import replay
from runs.errors import NotPermittedError
from runs.models import Membership, Role, Run
from runs.operations.accounts import make_member, make_tenant
from runs.operations.replay_run import retry_run
from tests.at_once import at_once
from tests.deadletters.letters import NOON
from tests.testapp.agents import CALLS, FAIL

DUE = NOON + timedelta(days=365)


@pytest.fixture
def boss(tenant):
    return make_member(tenant, "boss")


@pytest.fixture
def clara(tenant):
    """A member who may only look."""
    clara = make_member(tenant, "clara")
    Membership.objects.filter(user=clara).update(role=Role.VIEWER)
    return clara


@pytest.fixture
def break_run(post, work):
    """Make a run fail at its second step, so many times."""

    def break_run(times=1):
        CALLS.clear()
        FAIL["square-2"] = [ValueError("two is out of order") for _ in range(times)]
        run = post("squares", input={"upto": 3})
        work()
        return run

    yield break_run
    FAIL.clear()


@pytest.fixture
def letter(break_run):
    return DeadLetter.objects.get(run_id=break_run().pk)


def told(letter):
    return [(event.verb, event.user.username, json.loads(event.data)) for event in letter.events.all()]


@pytest.mark.django_db
def test_a_discarded_letter_says_who_discarded_it_and_why(letter, boss):
    discard(letter, user=boss, note="known")

    assert (letter.status, letter.decided_by, letter.note) == ("discarded", boss, "known")
    assert letter.decided_at
    assert told(letter) == [("discard", "boss", {"note": "known"})]


@pytest.mark.django_db
def test_an_assigned_letter_stays_live_and_may_be_given_on_and_replayed(letter, boss, clara, work):
    assign(letter, user=boss, assignee=clara)
    assign(letter, user=boss, assignee=boss, note="on holiday")
    assert (letter.status, letter.assignee, letter.is_live) == ("assigned", boss, True)

    replay(letter, user=boss)

    assert letter.status == "replayed"
    assert [verb for verb, _, _ in told(letter)] == ["assign", "assign", "replay"]


@pytest.mark.django_db
def test_nobody_from_another_tenant_is_assigned(letter, boss):
    stranger = make_member(make_tenant("globex"), "stranger")

    for give in (assign, lambda letter, **who: make_task(letter, due_at=DUE, **who)):
        with pytest.raises(NotAMemberError, match="stranger does not belong"):
            give(letter, user=boss, assignee=stranger)
    assert DeadLetter.objects.get().status == "open" and not LetterEvent.objects.exists()


@pytest.mark.django_db
def test_a_manual_task_is_live_until_its_assignee_says_it_is_done(letter, boss, clara):
    make_task(letter, user=boss, assignee=clara, due_at=DUE, note="refund by hand")
    assert (letter.status, letter.assignee, letter.due_at, letter.is_live) == ("assigned", clara, DUE, True)

    finish_task(letter, user=clara, note="done in the shop system")

    assert (letter.status, letter.is_live, letter.decided_by) == ("assigned", False, clara)
    assert letter.done_at == letter.decided_at
    assert Run.objects.get(pk=letter.run_id).status == "failed"
    assert [verb for verb, _, _ in told(letter)] == ["task", "done"]
    assert list(dead_letters_agree()) == []


@pytest.mark.django_db
def test_what_is_nobodys_cannot_be_done(letter, boss):
    with pytest.raises(DeadLetterDecidedError, match="nobody's"):
        finish_task(letter, user=boss)


VERBS = {
    "replay": lambda letter, user: replay(letter, user=user),
    "discard": lambda letter, user: discard(letter, user=user, note="late"),
    "assign": lambda letter, user: assign(letter, user=user, assignee=user),
    "task": lambda letter, user: make_task(letter, user=user, assignee=user, due_at=DUE),
    "done": lambda letter, user: finish_task(letter, user=user),
}


@pytest.mark.django_db
@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("closed", ["discarded", "done", "replayed"])
def test_a_closed_letter_refuses_every_verb_and_names_who_closed_it(letter, boss, verb, closed):
    if closed == "done":
        assign(letter, user=boss, assignee=boss)
        finish_task(letter, user=boss)
    elif closed == "replayed":
        replay(letter, user=boss)
    else:
        discard(letter, user=boss, note="known")

    with pytest.raises(DeadLetterDecidedError, match=f"already {closed} by boss at"):
        VERBS[verb](DeadLetter.objects.get(), boss)


@pytest.mark.django_db
@pytest.mark.parametrize("verb", VERBS)
def test_who_may_only_look_uses_no_verb(letter, boss, clara, verb):
    if verb == "done":
        assign(letter, user=boss, assignee=boss)

    with pytest.raises(NotPermittedError):
        VERBS[verb](letter, clara)

    assert letter.events.count() == (verb == "done")


@pytest.mark.django_db(transaction=True)
def test_of_many_who_decide_at_once_one_does(letter, boss):
    verbs = [VERBS["replay"], VERBS["discard"]] * 3

    answers = at_once(6, lambda number: verbs[number](DeadLetter.objects.get(), boss))

    refused = [answer for answer in answers if isinstance(answer, DeadLetterDecidedError)]
    assert len(refused) == 5, answers
    assert LetterEvent.objects.count() == 1


@pytest.mark.django_db
def test_a_chain_of_replays_ends(break_run, boss, work, settings):
    settings.AGENTOPS = {**settings.AGENTOPS, "replays_max": 2}
    run = break_run(times=10)
    replay(DeadLetter.objects.get(), user=boss)
    work()
    retry_run(run, user=boss)  # a replay by another name
    work()
    last = DeadLetter.objects.get(status="open")
    assert last.replays == 2

    for again in (lambda: replay(last, user=boss), lambda: retry_run(run, user=boss)):
        with pytest.raises(ReplaysExhaustedError, match="post the work as a new run"):
            again()
    assert DeadLetter.objects.get(pk=last.pk).status == "open"
    assert Run.objects.get(pk=run.pk).status == "failed"


CLOSE = {
    "discarded": lambda letter, user: discard(letter, user=user, note="known"),
    "done": lambda letter, user: (assign(letter, user=user, assignee=user), finish_task(letter, user=user)),
    "replayed": lambda letter, user: replay(letter, user=user, from_step=2),  # a fork goes on, the run stays failed
}


@pytest.mark.django_db
@pytest.mark.parametrize("closed", CLOSE)
def test_a_run_whose_letter_is_closed_is_not_retried(letter, boss, work, closed):
    CLOSE[closed](letter, boss)
    run = Run.objects.get(pk=letter.run_id)

    with pytest.raises(DeadLetterDecidedError, match=f"already {closed} by boss at"):
        retry_run(run, user=boss)
    work()

    run.refresh_from_db()
    assert (run.status, run.fence) == ("failed", 1)
    assert CALLS["square-2"] == 1 + (closed == "replayed")
    assert list(dead_letters_agree()) == []


@pytest.mark.django_db
def test_who_may_not_retry_a_run_is_not_told_what_became_of_its_letter(letter, boss, clara):
    discard(letter, user=boss, note="known")

    with pytest.raises(NotPermittedError):
        retry_run(Run.objects.get(pk=letter.run_id), user=clara)
