"""The engine as a state machine: any order of claims, crashes, zombies, decisions and trouble, by an injected clock.

After every rule all invariants hold, and a plain model of what must be agrees: how often each effect has happened,
which moves a run has made, that what has ended stays as it is. At the end nobody is stuck.
"""

import json
import os
from collections import Counter, defaultdict
from contextlib import nullcontext, suppress
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import transaction
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from runs import clock
from runs.engine.advance import advance
from runs.engine.journal import Journal
from runs.engine.lease import CancelRequestedError, LeaseLostError
from runs.errors import ConflictError, InvalidTransitionError
from runs.extensions import UPKEEP
from runs.maintenance.reconcile import FREQUENT, RARE, reconcile
from runs.models import PendingAction, Run, RunLock, Worker
from runs.operations.accounts import make_member, make_tenant
from runs.operations.actions.answer import answer
from runs.operations.actions.approve import approve
from runs.operations.actions.reject import reject
from runs.operations.actions.resolve import resolve
from runs.operations.cancel_run import cancel_run
from runs.operations.post_run import RunRequest, post_run
from runs.operations.replay_run import retry_run
from runs.queue.claim import claim_next, claim_quarantined
from runs.states import ENDED, RunStatus
from runs.worker.leases import Leases
from tests.runs.engine import scripted_model
from tests.runs.engine.person import Person
from tests.runs.engine.world import TOOL_FAULTS, Crash, World, crash

pytestmark = pytest.mark.django_db

QUEUES = ("agents", "batch", "default")
PROFILES = {"quick": (30, 20), "long": (1000, 50)}  # HYPOTHESIS_PROFILE=long is for the night: examples, steps of each
pick = st.integers(0, 5)
turns = st.lists(
    st.lists(st.sampled_from(["read", "put", "send", "book", "refund", "ask_human"]), min_size=1, max_size=3),
    min_size=1,
    max_size=3,
)
effects = st.lists(st.sampled_from(["read", "idempotent", "unsafe"]), min_size=1, max_size=3)
DEEDS = ("stop", "stop", "cancel", "cancel and notice", "decide", "decide", "suspend", "disable", "displace", "nothing")
POLICIES = ("discard", "join", "replace", "interrupt")
model_faults = st.lists(st.sampled_from([None, *scripted_model.FAULTS]), min_size=1, max_size=3)
tool_faults = st.lists(st.sampled_from([None, *TOOL_FAULTS]), max_size=3)


class Machine(Person):
    """One example: a tenant, its runs, and whatever happens to them."""

    @initialize()
    def begin(self):
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.world = World()
        self.tenant = make_tenant("acme")
        self.owner, self.boss = make_member(self.tenant, "owner"), make_member(self.tenant, "boss")
        ages = clock.now() + timedelta(days=9999)  # it never falls silent
        Worker.objects.create(name="w", host="h", pid=1, queues=QUEUES, slots=2, started_at=ages, heartbeat_at=ages)
        self.posted = {}  # idempotency key: (request, run id)
        self.held = []  # claims whose holder does nothing: (run, lease, journal)
        self.repeats = Counter()  # step: how often a person wanted its unsafe effect again
        self.said = set()  # steps of which a person said how they ended
        self.decided = {}  # action: how it was decided
        self.walked = defaultdict(lambda: (0, None))  # run: (newest event seen, status then)
        self.fences, self.final, self.written = {}, {}, {}
        self.post("machine", {"text": '0|[["refund", "send"], ["put", "book"]]'})
        self.look()

    # What people and clients do

    @rule(what=st.one_of(turns, effects, st.none()))
    def post_any(self, what):
        """Post an agent's run, a plain job's, or a conversing agent's."""
        number = len(self.posted)
        if what is None:
            self.post("machine_talker", {"text": f"{number}|[]"})
        elif isinstance(what[0], list):
            self.post("machine", {"text": f"{number}|{json.dumps(what)}"})
        else:
            self.post("machine_job", {"effects": what, "number": number})

    def post(self, job_type, given):
        key = f"key-{len(self.posted)}"
        request = RunRequest(job_type=job_type, input=given)
        run, is_new = post_run(request, tenant=self.tenant, user=self.owner, origin="test", idempotency_key=key)
        assert is_new
        self.posted[key] = request, run.pk

    @precondition(lambda self: self.may_displace)
    @rule(n=pick, policy=st.sampled_from(POLICIES))
    def post_exclusively(self, n, policy):
        """Post a run of which one may be active at a time."""
        key, number = f"key-{len(self.posted)}", 1000 + 2 * len(self.posted) + n % 2  # no two have the same text
        request = RunRequest("machine", {"text": f'{number}|[["put"], ["send"]]'}, on_conflict=policy)
        run, _ = post_run(request, tenant=self.tenant, user=self.owner, origin="test", idempotency_key=key)
        self.posted[key] = request, run.pk

    @property
    def may_displace(self):
        return self.owner.is_active and self.tenant.is_active

    @precondition(lambda self: self.posted)
    @rule(n=pick, other=st.booleans())
    def post_again(self, n, other):
        key, (request, run_id) = self.one_of(list(self.posted.items()), n)
        if other:
            request = replace(request, priority=9)
            with pytest.raises(ConflictError):
                post_run(request, tenant=self.tenant, user=self.owner, origin="test", idempotency_key=key)
            return
        run, is_new = post_run(request, tenant=self.tenant, user=self.owner, origin="test", idempotency_key=key)
        assert (run.pk, is_new) == (run_id, False)

    @precondition(lambda self: self.open)
    @rule(n=pick, verb=st.sampled_from(["yes", "edited", "no"]), happened=st.booleans())
    def decide(self, n, verb, happened):
        self.decide_on(self.one_of(self.open, n), verb, happened=happened)

    @precondition(lambda self: self.decided)
    @rule(n=pick)
    def decide_again_otherwise(self, n):
        action = PendingAction.objects.select_related("step", "run").get(pk=self.one_of(list(self.decided), n))
        before = self.rows(action.run_id)
        with pytest.raises((ConflictError, InvalidTransitionError)):  # noqa: PT012 (one verb of several)
            if action.kind == "question":
                answer(action, user=self.boss, text="something else")
            elif action.decision["verb"] != "reject":
                reject(action, user=self.boss, note="on second thoughts")
            elif action.kind == "outcome":
                resolve(action, user=self.boss, outcome="happened", result="late")
            else:
                approve(action, user=self.boss)
        assert self.rows(action.run_id) == before

    @precondition(lambda self: self.runs)
    @rule(n=pick)
    def cancel(self, n):
        self.cancel_this(self.one_of(self.runs, n))

    def cancel_this(self, run):
        if run.state in (RunStatus.COMPLETED, RunStatus.FAILED):
            with pytest.raises(InvalidTransitionError):
                cancel_run(run, user=self.boss)
        else:
            cancel_run(run, user=self.boss)

    @precondition(lambda self: any(run.status == "failed" for run in self.runs))
    @rule(n=pick)
    def retry(self, n):
        run = self.one_of([run for run in self.runs if run.status == "failed"], n)
        held = RunLock.objects.filter(key=run.unique_key or "", holder__isnull=False)
        with pytest.raises(InvalidTransitionError) if held.exists() else nullcontext():
            retry_run(run, user=self.boss)

    @precondition(lambda self: not (self.owner.is_active and self.tenant.is_active))
    @rule()
    def restore(self):
        self.revoke("owner", True), self.revoke("tenant", True)

    def revoke(self, who, good):
        row = getattr(self, who)
        row.is_active = good
        row.save(update_fields=["is_active"])

    # What workers do

    @precondition(lambda self: self.any_queued())
    @rule(after=st.integers(0, 12), deed=st.sampled_from(DEEDS), model=model_faults, tool=tool_faults, n=pick)
    def work_and(self, after, deed, model, tool, n):
        """Claim a run and work on it; model and tools follow a script, and at some fault point something happens."""
        self.world.model.faults, self.world.tool_faults = model, tool
        claimed = self.claim()
        if not claimed:  # what is queued is held, behind an open circuit
            return
        self.world.deed = after, crash if deed == "crash" else lambda: self.meanwhile(deed, claimed, n)
        with suppress(Crash):
            self.advance(*claimed)
        self.world.deed = None

    @precondition(lambda self: self.any_queued())
    @rule(after=st.integers(0, 12), model=model_faults, tool=tool_faults)
    def work_and_die(self, after, model, tool):
        self.work_and(after, "crash", model, tool, 0)

    def any_queued(self):
        return any(run.status == "queued" for run in self.runs)

    def work_all(self):
        for _ in range(20):
            claimed = self.claim()
            if not claimed:
                break
            self.advance(*claimed)

    @precondition(lambda self: self.any_queued())
    @rule()
    def hold(self):
        """Claim a run and do nothing yet: a slow thread, or a process that was stopped."""
        claimed = self.claim()
        if claimed:
            self.held.append((*claimed, Journal(*claimed)))

    @precondition(lambda self: self.held)
    @rule(n=pick)
    def go_on(self, n):
        """The holder goes on, whatever has happened meanwhile."""
        run, lease, _ = self.held.pop(n % len(self.held))
        self.advance(run, lease)

    @precondition(lambda self: self.held)
    @rule(n=pick)
    def zombie_writes(self, n):
        """A holder that has lost its run writes: nothing changes."""
        run, lease, journal = self.one_of(self.held, n)
        now = Run.objects.get(pk=run.pk)
        if (now.status, now.fence) == ("running", lease.fence):
            return
        before = self.rows(run.pk)
        journal.record_event("zombie.was_here")
        journal.set(output="forged", cost_usd=99)
        for step in journal.steps:
            journal.complete(step, {"text": "forged"})
        with pytest.raises((LeaseLostError, CancelRequestedError)):
            journal.commit()
        assert self.rows(run.pk) == before

    def claim(self):
        clock.advance(0.01)  # no two claims at the same moment: whose turn it is must not be left to chance
        who = {"worker_id": uuid4(), "worker_name": "worker"}
        claimed = claim_next(QUEUES, **who) or claim_quarantined(QUEUES, **who)
        if claimed:
            self.world.lease_of[claimed[0].pk] = claimed[1]
        return claimed

    def advance(self, run, lease):
        """Advance a claim; a holder that has lost its run changes nothing."""
        now = Run.objects.get(pk=run.pk)
        lost = (now.status, now.fence) != ("running", lease.fence)
        before = self.rows(run.pk)
        advance(run, lease)
        assert not lost or self.rows(run.pk) == before

    def meanwhile(self, deed, claimed, n):
        """What happens between two steps of a holder."""
        run, lease = claimed
        if deed == "stop":
            clock.advance(20)
            self.reconcile()
            self.work_all()
        elif deed.startswith("cancel") or deed == "displace":
            self.stop(run, lease, deed, n)
        elif deed == "decide":
            for action in self.open_actions(run=run.pk):
                self.decide_on(action, ("yes", "edited", "no")[n % 3], happened=bool(n % 2))
        elif deed != "nothing":
            self.revoke("tenant" if deed == "suspend" else "owner", False)

    def stop(self, run, lease, deed, n):
        if deed == "displace":  # if it is one of which only one may be active, and its key is the same
            if not self.may_displace:
                return
            self.post_exclusively(n, POLICIES[2 + n % 2])
        else:
            self.cancel_this(Run.objects.get(pk=run.pk))
        if deed != "cancel":
            self.heartbeat(lease)

    def heartbeat(self, lease):
        worker = Run.objects.values_list("worker", flat=True).get(pk=lease.run_id)
        leases = Leases(worker)
        leases.add(lease)
        leases.renew()

    # What comes from outside

    @rule(seconds=st.sampled_from([9, 75, 75, 700, 8 * 24 * 3600]))
    def pass_time_and_sweep(self, seconds):
        """Time passes: leases run out, timers and decisions fall due."""
        clock.advance(seconds)
        self.reconcile()

    @rule(seconds=st.sampled_from([9, 700]))
    def pass_time(self, seconds):
        clock.advance(seconds)

    def reconcile(self):
        done = reconcile(thorough=True)
        assert len(done) == len(FREQUENT) + len(UPKEEP) + len(RARE), "no part of it failed"

    # The end

    def teardown(self):
        try:
            self.settle_everything()
        finally:
            self.world.close()
            transaction.set_rollback(True)
            self.atomic.__exit__(None, None, None)

    def settle_everything(self):
        """All trouble is over: sweep, work and decide until nothing moves; then every run has ended."""
        self.world.model.faults, self.world.tool_faults, self.held = [], [], []
        self.revoke("owner", True), self.revoke("tenant", True)
        for _ in range(40):
            clock.advance(75)
            self.reconcile()
            self.work_all()
            self.look()
            if all(run.state in ENDED for run in self.runs):
                break
            for action in self.open:
                self.decide_on(action, "no" if action.kind == "question" else "edited", happened=True)
        self.look()
        assert {run.pk: run.status for run in self.runs if run.state not in ENDED} == {}
        self.no_invariant_is_broken(pending=())


@pytest.mark.fault(10)
def test_no_order_of_events_breaks_the_engine():
    examples, steps = PROFILES[os.environ.get("HYPOTHESIS_PROFILE", "quick")]
    run_state_machine_as_test(Machine, settings=settings(max_examples=examples, stateful_step_count=steps))
