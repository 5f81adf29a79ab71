"""Three hundred failed runs of three causes, sent again by the real engine after the fix."""

from functools import partial

import pytest

from deadletters.models import DeadLetter, Redrive
from deadletters.redrive.actions import abort, start
from deadletters.redrive.advance import advance_redrives
from deadletters.redrive.options import Selection
from runs.models import Run, Step
from tests.deadletters.redrive.letters import after, assert_counts_fit, fresh, plan_for
from tests.testapp.agents import CALLS, FAIL

pytestmark = pytest.mark.django_db

CAUSES = ("square-1", "square-2", "square-3")


@pytest.fixture
def fail_runs(post, work):
    """Run so many of three effects for each cause: they fail at the first, the second, the third."""

    def fail(each):
        CALLS.clear()
        for cause in CAUSES:
            FAIL[cause] = [ValueError(f"{cause} is out of order")] * each
            for _ in range(each):
                post("squares", input={"upto": 3, "effect": "idempotent"})
            work()
        assert {"square-1": 3 * each, "square-2": 2 * each, "square-3": each} == CALLS

    return fail


def sweep_until(over, work, *, begin_s=0.0):
    """Sweep every 2.1 s, let workers work in between, until it is over. Shape: letters sent by each moment."""
    at_s, sent = begin_s, {}
    while not over():
        advance_redrives(partial(after, at_s))
        sent[at_s] = sum(Redrive.objects.values_list("sent", flat=True))
        work()
        at_s += 2.1
        assert at_s < 200, "it does not end"
    return sent


def assert_rate_holds(sent, per_s):
    """Hold every span of about 20 s against the rate, once the canary has passed."""
    moments = sorted(sent)[4:-2]
    for begin, end in zip(moments, moments[10:], strict=False):
        rate = (sent[end] - sent[begin]) / (end - begin)
        assert 0.8 * per_s <= rate <= 1.2 * per_s, (begin, end, rate)
    assert len(moments) > 10


def test_they_are_sent_at_their_rate_and_no_effect_is_repeated(fail_runs, user, work):
    fail_runs(each=100)
    assert DeadLetter.objects.values("fingerprint").distinct().count() == 3
    redrive = plan_for(user)
    start(redrive, user=user)

    sent = sweep_until(lambda: fresh(redrive).status != "running", work)

    redrive = fresh(redrive)
    assert (redrive.status, redrive.completed, redrive.failed) == ("completed", 300, 0)
    assert_rate_holds(sent, 5)
    # Each effect was done once; what had failed was tried a second time.
    assert dict.fromkeys(CAUSES, 400) == CALLS
    assert Step.objects.filter(status="completed").count() == 900
    assert set(Run.objects.values_list("status", flat=True)) == {"completed"}
    assert set(DeadLetter.objects.values_list("status", flat=True)) == {"replayed"}
    assert_counts_fit(redrive)


def test_one_cause_is_aborted_half_way_and_the_rest_is_sent_by_another(fail_runs, user, work):
    fail_runs(each=40)
    cause = DeadLetter.objects.filter(step_name="square-2").first().fingerprint
    first = plan_for(user, selection=Selection(fingerprint=cause))
    start(first, user=user)
    sweep_until(lambda: fresh(first).sent >= 15, work)

    abort(first, user=user, note="the fix was wrong")
    sweep_until(lambda: not fresh(first).needs_steps, work, begin_s=60)
    first = fresh(first)
    assert (first.status, first.total) == ("aborted", 40)
    assert 15 <= first.sent == first.completed <= 30 and first.skipped == 40 - first.sent
    second = plan_for(user, selection=Selection(fingerprint=cause), rate_per_s=50)
    start(second, user=user)
    sweep_until(lambda: fresh(second).status != "running", work, begin_s=100)

    assert fresh(second).completed == 40 - first.sent
    assert DeadLetter.objects.filter(status="open").count() == 80
    assert CALLS == {"square-1": 120, "square-2": 120, "square-3": 80}
