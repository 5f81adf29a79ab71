"""A run that is posted while another one counts as the same, or a moment after it: who shares which."""

import pytest

from runs import clock
from runs.errors import PermanentError
from runs.maintenance.reconcile import reconcile
from runs.models import Run, RunLock
from runs.operations.accounts import make_member, make_tenant
from runs.operations.cancel_run import cancel_run
from runs.operations.post_run import Intake, RunRequest, post
from tests.runs.operations.conflicts.posted import claim, conflict_of, status_of
from tests.testapp.agents import FAIL

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("policy", "applied"), [("discard", "discarded"), ("join", "joined")])
def test_while_a_run_is_active_it_is_shared(scan, policy, applied):
    first, second = scan(policy), scan(policy, note="other words, same document")

    assert conflict_of(first) == (True, "none", first.run.pk)
    assert conflict_of(second) == (False, applied, first.run.pk) and second.run == first.run
    assert Run.objects.count() == 1


def test_the_job_type_says_what_holds_if_the_request_does_not(scan):
    assert scan().run == scan().run
    assert scan("queue").run != scan("queue").run


def test_a_run_that_was_posted_with_queue_takes_no_part(scan):
    aside = scan("queue")

    assert scan("discard").run != aside.run


@pytest.mark.parametrize("other", [{"document": "b"}, {"job_type": "scan_once"}])
def test_another_key_is_no_conflict(scan, other):
    assert scan().run != scan(**other).run


def test_another_tenant_is_no_conflict(scan, post_elsewhere):
    assert scan().is_new and post_elsewhere().is_new


@pytest.fixture
def post_elsewhere():
    other = make_tenant("globex")
    intake = Intake(tenant=other, user=make_member(other, None), origin="test")
    return lambda: post(RunRequest("scan", {"document": "a"}), intake)


@pytest.mark.parametrize("ending", ["completed", "failed", "cancelled"])
def test_every_ending_lets_go_of_the_lock(scan, work, user, ending):
    first = scan()
    if ending == "failed":
        FAIL["read"] = [PermanentError("no such document")]
    if ending == "cancelled":
        cancel_run(first.run, user=user)
    work()

    assert status_of(first) == ending
    assert RunLock.objects.get().holder is None
    assert scan().is_new


def test_a_run_whose_worker_died_keeps_its_lock_and_lets_go_when_it_is_buried(scan, settings):
    settings.AGENTOPS = {**settings.AGENTOPS, "crashes_max": 1}
    first = scan()
    claim()

    clock.advance(60)
    assert not scan().is_new
    reconcile()

    assert status_of(first) == "failed" and scan().is_new


# The past


def test_within_its_window_an_ended_run_is_answered_too(scan, work):
    first = scan(job_type="scan_once", document="A")
    work()

    second = scan(job_type="scan_once", document="a")

    assert conflict_of(second) == (False, "discarded", first.run.pk) and second.run.status == "completed"
    clock.advance(61)
    assert scan(job_type="scan_once", document="a").is_new


def test_one_that_was_cancelled_does_not_count_within_the_window(scan, user):
    cancel_run(scan(job_type="scan_once").run, user=user)

    assert scan(job_type="scan_once").is_new


def test_the_window_holds_nobody_back_who_wants_to_replace(scan, work):
    scan(job_type="scan_once")
    work()

    assert scan("replace", job_type="scan_once").is_new


def test_what_was_completed_freshly_is_reused(scan, work):
    first = scan(job_type="digest")
    work()

    second = scan(job_type="digest")

    assert conflict_of(second) == (False, "reused", first.run.pk)
    clock.advance(3601)
    assert scan(job_type="digest").is_new


def test_what_failed_or_is_not_done_yet_is_not_fresh(scan, work):
    FAIL["read"] = [PermanentError("no")]
    scan(job_type="digest")
    work()

    assert scan(job_type="digest").is_new and scan(job_type="digest").is_new
