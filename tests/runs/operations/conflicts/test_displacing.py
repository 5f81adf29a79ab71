"""A run that takes the place of another one: it starts when that has ended, and never beside it."""

import pytest

from runs.engine.advance import advance
from runs.errors import NotPermittedError
from runs.maintenance.wake_timers import wake_timers
from runs.models import Membership, Role, Run, RunEvent, RunLock
from runs.operations.accounts import make_member
from runs.operations.cancel_run import cancel_run
from runs.operations.why import why
from tests.runs.operations.conflicts.posted import claim, conflict_of, status_of
from tests.testapp.agents import CALLS, MEANWHILE

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("policy", "applied"), [("replace", "replaced"), ("interrupt", "interrupted")])
def test_what_has_not_begun_is_cancelled_and_the_new_one_made(scan, policy, applied):
    first = scan()

    second = scan(policy)

    assert conflict_of(second) == (True, applied, second.run.pk)
    assert second.conflict.displaced == (first.run.pk,)
    assert (status_of(first), status_of(second)) == ("cancelled", "queued")
    told = RunEvent.objects.get(run=first.run, kind="run.displaced")
    assert told.data == {"by": str(second.run.pk), "policy": policy}


@pytest.mark.parametrize("policy", ["replace", "interrupt"])
def test_a_running_one_ends_first_and_only_then_the_new_one_starts(scan, work, policy):
    seen = []
    MEANWHILE["a"] = lambda: seen.append((scan(policy), wake_timers()))
    first = scan()

    work()

    second, woken = seen[0]
    assert woken == 0 and second.conflict.waits
    assert status_of(first) == "cancelled" and CALLS["read"] == 1
    assert first.run.steps.get(seq=1).status == "completed", "what has happened is not forgotten"
    assert status_of(second) == "scheduled" and RunLock.objects.get().holder == second.run.pk
    assert wake_timers() == 1
    work()
    assert status_of(second) == "completed" and RunLock.objects.get().holder is None


def test_the_successor_says_for_whom_it_waits(scan):
    first = scan()
    claim()

    second = scan("interrupt")

    reasons = [(reason.code, reason.message) for reason in why(Run.objects.get(pk=second.run.pk))]
    assert reasons == [("limit", f"takes the place of run {first.run.pk}, which is to stop first")]


def test_of_many_that_displace_a_running_one_the_newest_starts(scan, work):
    scan()
    held = claim()
    posted = [scan("replace") for _ in range(3)]

    assert scan("discard").run == posted[-1].run, "the others are about to end, so the newest is what survives"
    advance(*held)
    wake_timers()
    work()

    assert [status_of(one) for one in posted] == ["cancelled", "cancelled", "completed"]
    assert Run.objects.get(pk=held[0].pk).status == "cancelled"


def test_an_interrupt_after_a_replace_breaks_the_call_off(scan):
    first = scan()
    claim()
    scan("replace")
    assert Run.objects.get(pk=first.run.pk).cancel_gently

    scan("interrupt")

    assert not Run.objects.get(pk=first.run.pk).cancel_gently


def test_a_successor_that_is_cancelled_waits_no_more(scan, user):
    scan()
    held = claim()
    second = scan("replace")

    cancel_run(second.run, user=user)

    advance(*held)
    assert RunLock.objects.get().holder is None and scan().is_new


def test_while_the_holder_is_being_cancelled_a_shared_post_waits_for_its_end(scan, user, work):
    first = scan()
    held = claim()
    cancel_run(first.run, user=user)

    second = scan("discard")

    assert second.is_new and second.conflict.waits and scan("discard").run == second.run
    advance(*held)
    wake_timers()
    work()
    assert status_of(second) == "completed"


def test_who_may_not_cancel_a_run_may_not_displace_it(scan, tenant):
    first = scan()
    stranger = make_member(tenant, "stranger")
    Membership.objects.filter(user_id=stranger.pk).update(role=Role.VIEWER)

    with pytest.raises(NotPermittedError):
        scan("replace", by=stranger)

    assert status_of(first) == "queued" and Run.objects.count() == 1
