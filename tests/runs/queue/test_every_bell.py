"""Every way into `queued` rings once, for the queue of the run."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model

from runs import clock
from runs.clock import Now
from runs.conf import conf
from runs.maintenance.batches.tend import tend_batches
from runs.maintenance.expire_actions import expire_actions
from runs.maintenance.release_held import release_held
from runs.maintenance.reopen_budgets import reopen_budgets
from runs.maintenance.rescue_runs import rescue_runs
from runs.maintenance.wake_timers import wake_timers
from runs.models import Budget, Limit, Pause, PendingAction, Run
from runs.operations.actions.answer import send_message
from runs.operations.actions.approve import approve
from runs.operations.actions.reject import reject
from runs.operations.actions.resolve import resolve
from runs.operations.fork_run import fork_run
from runs.operations.limits import change_limit, set_limit
from runs.operations.pauses import end_pause, pause
from runs.operations.replay_run import replay_run, retry_run
from runs.queue import doorbell
from runs.queue.claim import claim_next
from runs.states import RunStatus
from runs.worker.leases import Leases
from tests.runs.budgets.money import budget
from tests.runs.engine.story import say, use
from tests.testapp.agents import FAIL, TransientError

pytestmark = pytest.mark.django_db

REFUND = use(("refund", {"order_id": "1", "amount_usd": 2.0}))
SEND = use(("send", {"to": "bob"}))


class Environment:
    """What the ways have at hand. A way prepares a run, and returns what is to ring for it."""

    def __init__(self, **parts):
        vars(self).update(parts)

    def clerk(self, *turns, faults=(), job_type="clerk", **request):
        self.offline({"turns": [*turns, say("Done.")], "faults": list(faults)})
        run = self.post(job_type, **request)
        self.work()
        return Run.objects.get(pk=run.pk)

    def action(self, *turns, **request):
        return PendingAction.objects.get(run=self.clerk(*turns, **request))

    def claimed(self):
        self.post("clerk")
        worker = uuid4()
        run, lease = claim_next(["agents"], worker_id=worker, worker_name="w")
        leases = Leases(worker)
        leases.add(lease)
        return run, leases

    def broken(self, *errors):
        FAIL["look_up"] = list(errors)
        return self.clerk(use(("look_up", {"key": "k"})))

    def failed(self):
        fault = {"kind": "status", "status": 400, "error_type": "invalid_request_error"}
        return self.clerk(faults=[fault])


@pytest.fixture
def environment(offline, post, work, user, settings):
    settings.AGENTOPS = {**settings.AGENTOPS, "lease_s": 600.0, "retry_delays_s": (60.0,) * 3}
    root = get_user_model().objects.create_superuser("root", password="pw")
    return Environment(offline=offline, post=post, work=work, user=user, root=root)


def posted(environment):
    return lambda: environment.post("clerk")


def forked(environment):
    run = environment.clerk()
    return lambda: fork_run(run, user=environment.user, from_step=1)


def retried(environment):
    run = environment.failed()
    return lambda: retry_run(run, user=environment.user)


def replayed_with_other_input(environment):
    run = environment.failed()
    return lambda: replay_run(run.pk, environment.user, new_input={"text": "other"})


def retried_before_its_time(environment):
    run = environment.broken(TransientError("busy"))
    return lambda: retry_run(run, user=environment.user)


def next_try(environment):
    environment.broken(TransientError("busy"))
    clock.advance(100)
    return wake_timers


def scheduled(environment):
    environment.post("clerk", scheduled_at=clock.now() + timedelta(seconds=30))
    clock.advance(60)
    return wake_timers


def approved(environment):
    action = environment.action(REFUND)
    return lambda: approve(action, user=environment.user)


def rejected(environment):
    action = environment.action(REFUND)
    return lambda: reject(action, user=environment.user, note="no")


def resolved(environment):
    FAIL["send"] = [ConnectionError("reset")]
    action = environment.action(SEND)
    return lambda: resolve(action, user=environment.user, outcome="happened", result="sent")


def answered(environment):
    action = environment.action(say("Who?"), job_type="talker")
    return lambda: send_message(action.run, user=environment.user, text="Me.")


def expired(environment):
    environment.action(REFUND)
    PendingAction.objects.update(expires_at=Now() - timedelta(seconds=1))
    return expire_actions


def budget_of_the_run_raised(environment):
    action = environment.action(job_type="thrifty")
    return lambda: approve(action, user=environment.user)


def budget_with_room_again(environment):
    one = budget("0.00001", tenant=environment.user.memberships.get().tenant)
    assert environment.action().budget_period
    Budget.objects.filter(pk=one.pk).update(is_active=False)
    return reopen_budgets


def rescued(environment):
    environment.claimed()
    Run.objects.update(lease_expires_at=Now() - timedelta(seconds=1))
    return rescue_runs


def given_back(environment):
    _, leases = environment.claimed()
    return leases.give_back


def gate_opened(environment):
    environment.clerk(faults=[{"kind": "rate_limited", "retry_after_s": 5}])
    environment.post("clerk")
    environment.work()
    Run.objects.filter(status="retrying").update(next_attempt_at=Now() + timedelta(days=1))
    clock.advance(6)
    return release_held


def batch_answered(environment):
    environment.clerk(lane="batch")
    clock.advance(conf().batch_gather_s + conf().batch_poll_s)
    tend_batches()
    clock.advance(conf().batch_gather_s + conf().batch_poll_s)
    return tend_batches


def pause_ended(environment):
    paused = pause(Pause(queue="agents", reason="audit"), user=environment.root)
    environment.post("clerk")
    return lambda: end_pause(paused, user=environment.root)


def limit_raised(environment):
    limit = set_limit(Limit(queue="agents", most=0), user=environment.root)
    environment.post("clerk")
    return lambda: change_limit(limit, user=environment.root, most=5)


WAYS = [
    *(posted, forked, retried, replayed_with_other_input, retried_before_its_time, next_try, scheduled, approved),
    *(rejected, resolved, answered, expired, budget_of_the_run_raised, budget_with_room_again, rescued, given_back),
    *(gate_opened, batch_answered, pause_ended, limit_raised),
]


@pytest.mark.parametrize("way", WAYS, ids=[way.__name__ for way in WAYS])
def test_what_may_run_is_rung_for_once(environment, way, monkeypatch, django_capture_on_commit_callbacks):
    rung = []
    act = way(environment)

    monkeypatch.setattr(doorbell, "_ring_now", rung.append)
    with django_capture_on_commit_callbacks(execute=True):
        act()

    assert rung == ["agents"]
    assert Run.objects.filter(status=RunStatus.QUEUED, circuit_breaker=None, queue="agents").count() == 1
