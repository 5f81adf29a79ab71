"""The lock of a key: over keys, replays, deaths and repairs, one active run has it."""

import pytest

from runs import clock
from runs.errors import InvalidTransitionError, PermanentError
from runs.invariants.every import breaches
from runs.maintenance.reconcile import reconcile
from runs.models import Run, RunLock
from runs.operations.cancel_run import cancel_run
from runs.operations.preview_replay import preview_replay
from runs.operations.replay_run import replay_run, retry_run
from tests.runs.conftest import Crash
from tests.runs.operations.conflicts.posted import status_of
from tests.testapp.agents import FAIL

pytestmark = pytest.mark.django_db


def test_a_key_goes_first_and_stands_for_the_run_that_survived(scan, work):
    first = scan()
    second = scan(key="k")
    work()

    again = scan(key="k")

    assert second.run == again.run == first.run and not again.is_new
    assert scan(key="other").is_new


def test_a_failed_run_that_goes_on_takes_its_lock_again(scan, work, user):
    FAIL["read"] = [PermanentError("no")]
    first = scan()
    work()

    retry_run(first.run, user=user)

    assert scan().run == first.run
    work()
    assert status_of(first) == "completed"


def test_a_failed_run_does_not_go_on_beside_another_of_its_key(scan, work, user):
    FAIL["read"] = [PermanentError("no")]
    first = scan()
    work()
    second = scan()

    with pytest.raises(InvalidTransitionError, match=f"run {second.run.pk} is active with the same key"):
        retry_run(first.run, user=user)

    assert status_of(first) == "failed"
    assert str(second.run.pk) in preview_replay(first.run.pk).refusal
    cancel_run(second.run, user=user)
    assert preview_replay(first.run.pk).refusal == ""


def test_a_replay_with_other_input_takes_no_part(scan, work, user):
    FAIL["read"] = [PermanentError("no")]
    first = scan()
    work()
    scan(document="b")

    replayed = replay_run(first.run.pk, user, new_input={"document": "b"})

    assert Run.objects.get(pk=replayed).unique_key is None


# Crashes and repairs


def test_a_poster_that_dies_before_its_commit_leaves_neither_run_nor_lock(scan, monkeypatch):
    first = scan()

    def die(*_, **__):
        raise Crash

    with monkeypatch.context() as patched:
        patched.setattr("runs.operations.post_run.begin", die)
        for policy in ("replace", "discard"):
            with pytest.raises(Crash):
                scan(policy, document="a" if policy == "replace" else "b")

    assert status_of(first) == "queued" and RunLock.objects.get().holder == first.run.pk
    assert Run.objects.count() == 1


@pytest.mark.parametrize("point", ["settle.before", "journal.after"])
def test_a_worker_that_dies_around_its_last_commit_leaves_no_lock_without_an_active_run(scan, work, die_at, point):
    first = scan()
    scan("join")

    die_at(point, 1)

    clock.advance(60)
    reconcile()
    assert (RunLock.objects.get().holder == first.run.pk) == (status_of(first) != "completed")


def test_a_lock_that_nobody_let_go_of_is_repaired_and_a_free_one_removed(scan, work):
    first = scan()
    work()
    RunLock.objects.update(holder=first.run.pk)
    assert [breach.invariant for breach in breaches(look_again_after_s=0)] == [1]

    assert reconcile(thorough=True)["repair_locks"] == 1

    assert not RunLock.objects.exists()


def test_a_run_beside_its_lock_is_a_breach(scan):
    scan()
    RunLock.objects.update(holder=None)

    assert ["neither holds" in str(breach) for breach in breaches(look_again_after_s=0)] == [True]
    RunLock.objects.update(holder=Run.objects.get().pk)
