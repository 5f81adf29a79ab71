"""The steps: rate, canary, concurrency, refusals, death in mid-step, many sweepers. Moments are given, not awaited."""

import random
from functools import partial

import pytest

from deadletters.models import DeadLetter, DeadLetterStatus, RedriveItem
from deadletters.redrive.actions import abort, pause, resume, start
from deadletters.redrive.advance import advance, advance_redrives
from runs.models import Membership, Run, RunEvent
from runs.operations.replay_run import replay_run
from tests.at_once import at_once
from tests.deadletters.redrive.letters import (
    after,
    assert_counts_fit,
    end_runs,
    fresh,
    make_letters,
    plan_for,
    reasons,
    step,
)

pytestmark = pytest.mark.django_db

FREE = {"canary": 1, "concurrency": 1000}  # nothing but the rate holds it


def started(user, **options):
    redrive = plan_for(user, **options)
    start(redrive, user=user)
    return redrive


def past_the_canary(redrive):
    """Let the first letter be sent, and its run end, at the begin."""
    step(redrive, 0)
    end_runs(redrive)
    return step(redrive, 0)


# Rate


def test_it_sends_what_is_due_at_each_step(thirty, olga):
    redrive = past_the_canary(started(olga, rate_per_s=5, **FREE))

    assert [step(redrive, seconds).sent for seconds in (0.1, 0.2, 1, 3, 3)] == [1, 2, 6, 16, 16]
    assert_counts_fit(redrive)


@pytest.mark.parametrize(("letter_s", "sent"), [(0.1, 10), (0.25, 11)])
def test_on_a_slow_machine_the_allowance_grows_amid_a_step_which_ends_after_3_s(thirty, olga, letter_s, sent):
    """5 letters are due when the step begins; either they run out, or its time does."""
    redrive = past_the_canary(started(olga, rate_per_s=5, **FREE))
    moments = iter([after(1 + n * letter_s) for n in range(100)])

    advance(redrive.pk, lambda: next(moments))

    assert fresh(redrive).sent == 1 + sent


def test_what_nobody_swept_for_a_while_is_forgone(thirty, olga):
    redrive = past_the_canary(started(olga, rate_per_s=4, **FREE))

    assert step(redrive, 3600).sent == 1 + 17, "a burst is 4 s worth, and one"


def sweeps(dice, until_s=17):
    """The moments at which one sweeper looks: 2 s after it has ended the sweep before."""
    at_s = dice.uniform(0, 2)
    while at_s < until_s:
        yield at_s
        at_s += 2 + dice.uniform(0, 1.5)


@pytest.mark.parametrize("sweepers", [1, 4])
def test_the_rate_holds_within_a_fifth_over_twelve_seconds(tenant, olga, sweepers):
    make_letters(90, tenant, olga)
    redrive = past_the_canary(started(olga, rate_per_s=5, **FREE))
    dice = random.Random(7)
    looks = sorted(at_s for _ in range(sweepers) for at_s in sweeps(dice))

    sent_at = {at_s: step(redrive, at_s).sent for at_s in looks}

    def sent_by(seconds):
        return max((sent for at_s, sent in sent_at.items() if at_s <= seconds), default=0)

    for begin_s in range(1, 4):
        rate = (sent_by(begin_s + 12) - sent_by(begin_s)) / 12
        assert 4 <= rate <= 6, (begin_s, rate)


def test_a_pause_gives_no_credit_and_nothing_is_sent_meanwhile(thirty, olga):
    redrive = past_the_canary(started(olga, rate_per_s=5, **FREE))
    step(redrive, 1)
    pause(redrive, user=olga)

    assert step(redrive, 3).sent == 6
    resume(redrive, user=olga)
    assert step(redrive, 600).sent == 7, "the first again"
    assert step(redrive, 601).sent == 12


# What holds it


def test_the_canary_is_awaited_and_then_it_goes_on(thirty, olga):
    redrive = started(olga, rate_per_s=50, canary=5, concurrency=1000)
    step(redrive, 0)

    assert step(redrive, 10).sent == step(redrive, 20).sent == 5
    end_runs(redrive, count=4)
    assert step(redrive, 30).sent == 5, "one of them has not ended"
    end_runs(redrive)
    assert step(redrive, 40).sent == 30


def test_a_canary_that_fails_stops_it_and_says_why(thirty, olga):
    redrive = started(olga, rate_per_s=50, canary=5, stop_above_percent=20)
    step(redrive, 0), step(redrive, 10)
    end_runs(redrive, "failed", count=2)
    end_runs(redrive)

    redrive = step(redrive, 20)

    assert (redrive.status, redrive.sent, redrive.failed, redrive.needs_steps) == ("stopped", 5, 2, False)
    assert redrive.reason == "2 of 5 replayed runs failed again: 40 %, more than 20 %"
    assert (redrive.pending, redrive.skipped, redrive.changed_by) == (0, 25, None)
    assert redrive.events.last().verb == "stopped"
    assert_counts_fit(redrive)


def test_as_many_failures_as_are_allowed_do_not_stop_it(thirty, olga):
    redrive = started(olga, rate_per_s=50, canary=5, stop_above_percent=20)
    step(redrive, 0), step(redrive, 10)
    end_runs(redrive, "failed", count=1)
    end_runs(redrive)

    assert step(redrive, 20).status == "running"


def test_failures_after_the_canary_stop_it_too(thirty, olga):
    redrive = started(olga, rate_per_s=4, canary=5, stop_above_percent=20)
    for seconds in (0, 2):
        step(redrive, seconds)
        end_runs(redrive)
    redrive = step(redrive, 4)
    sent = redrive.sent
    end_runs(redrive, "failed")

    redrive = step(redrive, 4)

    assert (redrive.status, redrive.sent) == ("stopped", sent)


def test_failures_seen_while_it_was_paused_stop_it_before_it_sends_again(thirty, olga):
    redrive = started(olga, rate_per_s=50, canary=5)
    step(redrive, 0), step(redrive, 10)
    pause(redrive, user=olga)
    end_runs(redrive, "failed")
    assert step(redrive, 20).status == "paused"

    resume(redrive, user=olga)
    redrive = step(redrive, 30)

    assert (redrive.status, redrive.sent) == ("stopped", 5)


def test_no_more_runs_are_under_way_than_it_may_have(thirty, olga):
    redrive = started(olga, rate_per_s=50, canary=1, concurrency=7)
    redrive = past_the_canary(redrive)

    assert step(redrive, 10).in_flight == step(redrive, 20).in_flight == 7
    end_runs(redrive, count=3)
    redrive = step(redrive, 30)
    assert (redrive.in_flight, redrive.sent) == (7, 11)


# Ends


def test_it_is_completed_when_every_run_has_ended(thirty, olga):
    redrive = past_the_canary(started(olga, rate_per_s=50, **FREE))
    redrive = step(redrive, 10)
    assert (redrive.status, redrive.in_flight) == ("running", 29)
    end_runs(redrive, "cancelled", count=3)
    end_runs(redrive)

    redrive = step(redrive, 20)

    assert (redrive.status, redrive.completed, redrive.cancelled) == ("completed", 27, 3)
    assert redrive.ended_at == after(20) and not redrive.needs_steps
    assert step(redrive, 30).events.count() == 3, "it ends once"
    assert_counts_fit(redrive)


def test_one_with_nothing_to_send_is_completed_at_once(tenant, olga):
    letter = make_letters(1, tenant, olga)[0]
    redrive = started(olga)
    DeadLetter.objects.filter(pk=letter.pk).update(status=DeadLetterStatus.DISCARDED)

    redrive = step(redrive, 0)

    assert (redrive.status, redrive.skipped) == ("completed", 1)
    assert reasons(redrive, "skipped") == ["the letter is already discarded"]


def test_what_was_sent_is_followed_after_the_abort(thirty, olga):
    redrive = past_the_canary(started(olga, rate_per_s=5, **FREE))
    redrive = step(redrive, 2)
    abort(redrive, user=olga)

    redrive = step(redrive, 10)
    assert (redrive.sent, redrive.in_flight, redrive.needs_steps) == (11, 10, True)
    end_runs(redrive)
    redrive = step(redrive, 20)

    assert (redrive.status, redrive.completed, redrive.skipped, redrive.needs_steps) == ("aborted", 11, 19, False)
    assert_counts_fit(redrive)


# Refusals


def test_a_letter_that_is_refused_or_breaks_is_skipped_and_does_not_stop_the_others(thirty, olga, monkeypatch):
    gone, resumed, broken = thirty[0], thirty[1], thirty[2]
    redrive = started(olga, rate_per_s=50, canary=30, concurrency=30)
    DeadLetter.objects.filter(pk=gone.pk).update(run_id=gone.pk)
    Run.objects.filter(pk=resumed.run_id).update(status="completed")

    def replay(run_id, user, **options):
        if run_id == broken.run_id:
            raise ZeroDivisionError
        return replay_run(run_id, user, **options)

    monkeypatch.setattr("deadletters.replay.replay_run", replay)
    step(redrive, 0)

    redrive = step(redrive, 10)

    assert (redrive.sent, redrive.skipped, redrive.status) == (27, 3, "running")
    assert reasons(redrive, "skipped") == [
        "ZeroDivisionError; see the log",
        "only a failed run can be retried; it is completed",
        "the run is gone",
    ]
    assert {letter.status for letter in DeadLetter.objects.filter(pk__in=[resumed.pk, broken.pk])} == {"open"}
    assert_counts_fit(redrive)


@pytest.mark.parametrize("how", ["disabled", "expelled", "demoted"])
def test_a_user_who_lost_the_right_stops_it(thirty, olga, how):
    redrive = past_the_canary(started(olga, rate_per_s=5, **FREE))
    if how == "disabled":
        olga.is_active = False
        olga.save()
    elif how == "expelled":
        Membership.objects.filter(user=olga).delete()
    else:
        Membership.objects.filter(user=olga).update(role="viewer")

    redrive = step(redrive, 2)

    assert (redrive.status, redrive.sent, redrive.skipped) == ("stopped", 1, 29)
    assert redrive.reason == "olga, in whose name it replays, may not do so in acme any more"
    assert Run.objects.filter(status="queued").count() == 0


# Death and company


class Crash(BaseException):
    """The process is gone."""


def test_a_death_between_replay_and_bookkeeping_sends_no_letter_twice_and_loses_none(thirty, olga, monkeypatch):
    redrive = past_the_canary(started(olga, rate_per_s=5, **FREE))
    calls = []

    def replay_and_die(run_id, user, **options):
        going_on = replay_run(run_id, user, **options)
        calls.append(run_id)
        if len(calls) % 4 == 0:
            raise Crash
        return going_on

    monkeypatch.setattr("deadletters.replay.replay_run", replay_and_die)
    deaths = 0
    for seconds in range(1, 60):
        try:
            step(redrive, seconds)
        except Crash:
            deaths += 1
        assert_counts_fit(redrive)

    redrive = fresh(redrive)
    assert deaths >= 5 and redrive.sent == 30
    assert RunEvent.objects.filter(kind="run.replayed").count() == 30
    assert RedriveItem.objects.filter(state="sent").count() == 29
    assert set(DeadLetter.objects.values_list("status", flat=True)) == {"replayed"}


@pytest.mark.django_db(transaction=True)
def test_many_sweepers_at_once_send_no_more_than_one_would(tenant, olga):
    make_letters(40, tenant, olga)
    redrive = past_the_canary(started(olga, rate_per_s=5, **FREE))

    for seconds in (2, 4, 6):
        answers = at_once(4, lambda _, at_s=seconds: advance(redrive.pk, partial(after, at_s)))
        assert all(isinstance(answer, int) for answer in answers), answers
        assert_counts_fit(redrive)

    redrive = fresh(redrive)
    assert 1 + 25 <= redrive.sent <= 1 + 30
    assert RunEvent.objects.filter(kind="run.replayed").count() == redrive.sent


def test_nothing_due_costs_one_look(thirty, olga, django_assert_num_queries):
    plan_for(olga)

    with django_assert_num_queries(1):
        assert advance_redrives(lambda: after(0)) == 0


def test_a_redrive_whose_step_fails_does_not_hold_up_the_others(tenant, olga, monkeypatch):
    make_letters(1, tenant, olga, fingerprint="one")
    first = started(olga)
    make_letters(1, tenant, olga, fingerprint="two")
    second = started(olga)

    def now():
        moments.append(0)
        if len(moments) == 1:
            raise ValueError("the first")
        return after(0)

    moments = []
    assert advance_redrives(now) == 1
    assert sorted([fresh(first).sent, fresh(second).sent]) == [0, 1]
