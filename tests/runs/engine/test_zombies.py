"""A holder that was stopped beyond its lease, while somebody else went on: it does nothing more, and writes nothing."""

from uuid import uuid4

import pytest

from runs import clock, fault_points
from runs.engine.advance import advance
from runs.engine.journal import Journal
from runs.engine.lease import LeaseLostError
from runs.engine.outcomes import Lost
from runs.invariants.every import breaches
from runs.maintenance.rescue_runs import rescue_runs
from runs.models import PendingAction, Run
from runs.queue.claim import claim_next
from tests.runs.engine.story import say, use
from tests.testapp.agents import CALLS

pytestmark = pytest.mark.django_db


def claim():
    return claim_next(["agents"], worker_id=uuid4(), worker_name="w")


def take_over():
    """Let the lease run out, and another worker claim the run."""
    clock.advance(20)
    assert rescue_runs() == 1
    return claim()


@pytest.mark.fault(13)
def test_a_zombies_write_is_refused_and_changes_nothing(post):
    post("clerk")
    run, lease = claim()
    journal = Journal(run, lease)
    take_over()
    before = Run.objects.values().get()

    journal.record_event("zombie.was_here")
    journal.set(output="forged")
    with pytest.raises(LeaseLostError):
        journal.commit()

    assert Run.objects.values().get() == before
    assert not run.events.filter(kind="zombie.was_here").exists()


@pytest.mark.fault(14)
@pytest.mark.parametrize("point", ["tool.before", "tool.after"])
def test_an_effect_of_a_stopped_holder_happens_once_or_not_at_all(offline, post, monkeypatch, point):
    offline({"turns": [use(("send", {"to": "bob"})), say("Sent.")]})
    run = post("clerk")
    claimed = claim()
    others = []

    class Points(dict):
        def __getitem__(self, name):
            if name == point and not others:
                others.append(take_over())
            return 9, 0.0

    monkeypatch.setattr(fault_points, "_armed", lambda: Points.fromkeys(fault_points.POINTS))

    assert advance(*claimed) == Lost() or point == "tool.after"
    advance(*others[0])

    assert CALLS["send"] == (point == "tool.after")
    assert PendingAction.objects.get(run=run).kind == "outcome", "the other holder cannot know, so a person is asked"
    assert list(breaches(look_again_after_s=0)) == []


def test_progress_zeroes_the_count_of_lost_workers(offline, post, work_alone):
    offline({"turns": [say("hi")]})
    run = post("clerk")
    claim(), take_over()
    clock.advance(20)
    rescue_runs()
    assert Run.objects.get().crashes == 2

    work_alone()

    run.refresh_from_db()
    assert (run.status, run.crashes) == ("completed", 0)
