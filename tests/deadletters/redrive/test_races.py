"""What people and sweepers do to one redrive at the same moment."""

import threading
from functools import partial

import pytest

from deadletters.errors import DeadLetterDecidedError
from deadletters.models import DeadLetter
from deadletters.redrive.actions import abort, pause, resume, start
from deadletters.redrive.advance import advance
from deadletters.replay import replay
from runs.errors import InvalidTransitionError
from runs.models import RunEvent
from tests.at_once import at_once
from tests.deadletters.redrive.letters import after, assert_counts_fit, fresh, make_letters, plan_for

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_abort_amid_sweeps_is_the_last_word(tenant, olga):
    make_letters(30, tenant, olga)
    redrive = plan_for(olga, rate_per_s=50, canary=100, concurrency=1000)
    start(redrive, user=olga)
    begun = threading.Event()

    def act(number):
        if number == 0:
            begun.wait(10)
            abort(fresh(redrive), user=olga)
            return fresh(redrive).sent
        for seconds in (0, 0.2, 0.4, 0.6):
            advance(redrive.pk, partial(after, seconds))
            begun.set()
        return None

    answers = at_once(3, act)

    redrive = fresh(redrive)
    assert answers[1:] == [None, None] and redrive.status == "aborted"
    assert redrive.sent == answers[0], "nothing was sent after the answer"
    assert RunEvent.objects.filter(kind="run.replayed").count() == redrive.sent
    assert_counts_fit(redrive)


def test_people_who_replay_the_same_letters_by_hand_cost_nothing_but_a_reason(tenant, olga):
    letters = make_letters(16, tenant, olga)
    redrive = plan_for(olga, rate_per_s=50, canary=100, concurrency=1000)
    start(redrive, user=olga)
    advance(redrive.pk, partial(after, 0))

    def act(number):
        if number == 0:
            return advance(redrive.pk, partial(after, 10))
        done = 0
        for letter in reversed(letters):
            try:
                replay(DeadLetter.objects.get(pk=letter.pk), user=olga)
            except (DeadLetterDecidedError, InvalidTransitionError):
                continue
            done += 1
        return done

    by_hand = at_once(2, act)[1]

    redrive = fresh(redrive)
    assert RunEvent.objects.filter(kind="run.replayed").count() == 16
    assert redrive.sent + by_hand == 16 and redrive.skipped == by_hand
    assert_counts_fit(redrive)


def test_pausing_and_resuming_amid_sweeps_loses_no_count(tenant, olga):
    make_letters(30, tenant, olga)
    redrive = plan_for(olga, rate_per_s=20, canary=100, concurrency=1000)
    start(redrive, user=olga)

    def act(number):
        for turn in range(6):
            if number:
                advance(redrive.pk, partial(after, turn / 5))
            else:
                pause(fresh(redrive), user=olga)
                resume(fresh(redrive), user=olga)

    answers = at_once(3, act)

    assert answers == [None] * 3
    redrive = fresh(redrive)
    assert redrive.status == "running" and redrive.events.count() == 2 + 12
    assert_counts_fit(redrive)
