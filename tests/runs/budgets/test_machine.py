"""Budgets as a state machine: whatever is posted, sent, answered, lost, cancelled, raised or edited, in any order.

After every rule each period holds exactly what the ledger says, no more is spent and held than its ceiling, and all
invariants of money hold. At the end, when all runs have ended, nothing is held.
"""

import os
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import anthropic
import httpx2
import pytest
from django.db import transaction
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from runs import clock
from runs.engine.advance import advance
from runs.engine.budgets import forget_budgets
from runs.engine.provider import answered_by
from runs.errors import BrokenStreamError, InvalidInputError, InvalidTransitionError
from runs.invariants import of_money
from runs.invariants.every import checks_of
from runs.maintenance.reopen_budgets import reopen_budgets
from runs.maintenance.rescue_runs import rescue_runs
from runs.maintenance.wake_timers import wake_timers
from runs.models import Budget, BudgetPeriod, ModelCall, PendingAction, Period, Run, start_of
from runs.operations.accounts import make_member, make_tenant
from runs.operations.actions.raise_budget import raise_budget
from runs.operations.actions.reject import reject
from runs.operations.cancel_run import cancel_run
from runs.operations.post_run import RunRequest, post_run
from runs.queue.claim import claim_next, claim_quarantined
from runs.states import ENDED
from tests.runs.budgets.money import answer, budget, price_calls

pytestmark = pytest.mark.django_db

PROFILES = {"quick": (15, 20), "long": (500, 60)}  # examples, steps of each
ENDS = ("answer", "answer", "refused", "cut", "unreachable", "crash", "cancel", "another", "another", "another")
pick = st.integers(0, 5)


class Crash(BaseException):
    """The process is gone."""


class Machine(RuleBasedStateMachine):
    """Two tenants, two job types, and budgets over all of it."""

    @initialize(limits=st.lists(st.sampled_from(["0.5", "1", "1.75", "3", "20"]), min_size=4, max_size=4))
    def begin(self, limits):
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        price_calls()
        self.tenants = [make_tenant("acme"), make_tenant("globex")]
        self.users = [make_member(tenant, "boss") for tenant in self.tenants]
        self.lowered = set()
        budget(limits[0], period="day", tenant=self.tenants[0])
        budget(limits[1], period="month", job_type="clerk")
        budget(limits[2], period="total", tenant=self.tenants[1])
        budget(limits[3], period="day")

    @rule(whose=st.integers(0, 1), job_type=st.sampled_from(["clerk", "cashier"]))
    def post(self, whose, job_type):
        request = RunRequest(job_type=job_type, input={"text": "x"}, max_cost_usd=Decimal(100))
        post_run(request, tenant=self.tenants[whose], user=self.users[whose], origin="test")

    @rule(ends=st.lists(st.sampled_from(ENDS), min_size=1, max_size=8))
    def work(self, ends):
        """Let a run go on; while its call is in flight, the next ones may begin and end."""
        self.advance_one(list(ends))

    def advance_one(self, ends):
        claim = claim_next(["agents"], worker_id=uuid4(), worker_name="w") or claim_quarantined(
            ["agents"], worker_id=uuid4(), worker_name="w"
        )
        if claim is None:
            return
        with answered_by(lambda request, **_: self.end_call(request, claim[0], ends)):
            try:
                advance(*claim)
            except Crash:
                Run.objects.filter(pk=claim[0].pk).update(lease_expires_at=clock.now() - timedelta(seconds=1))

    def end_call(self, request, run, ends):
        self.adds_up()
        how = ends.pop(0) if ends else "answer"
        match how:
            case "another":
                self.advance_one(ends)
                return self.end_call(request, run, ends)
            case "cancel":
                cancel_run(Run.objects.get(pk=run.pk), user=self.users[0])
            case "crash":
                raise Crash
            case "cut":
                raise BrokenStreamError("cut")
            case "refused":
                raise PermissionError("no")
            case "unreachable":
                request = httpx2.Request("POST", "http://nowhere")
                raise anthropic.APIConnectionError(request=request) from httpx2.ConnectError("refused")
        return answer(request)

    @rule()
    def sweep(self):
        Run.objects.filter(status="retrying").update(next_attempt_at=clock.now() - timedelta(seconds=1))
        wake_timers(), rescue_runs(), reopen_budgets()

    @precondition(lambda self: self.asking)
    @rule(n=pick, amount=st.sampled_from([None, "0.25", "0.5"]))
    def raise_it(self, n, amount):
        action = self.asking[n % len(self.asking)]
        self.users[0].is_superuser = True
        with suppress(InvalidTransitionError, InvalidInputError):  # nobody needs it any more; more than the limit
            raise_budget(action, user=self.users[0], arguments=amount and {"raise_usd": amount})

    @precondition(lambda self: self.asking)
    @rule(n=pick)
    def refuse(self, n):
        self.users[0].is_superuser = True
        reject(self.asking[n % len(self.asking)], user=self.users[0], note="no")

    @precondition(lambda self: self.alive)
    @rule(n=pick)
    def cancel(self, n):
        run = self.alive[n % len(self.alive)]
        self.users[0].is_superuser = True
        cancel_run(run, user=self.users[0])

    @rule(n=pick, more=st.sampled_from(["0.5", "2"]))
    def edit(self, n, more):
        chosen = Budget.objects.order_by("pk")[n % 4]
        Budget.objects.filter(pk=chosen.pk).update(limit_usd=chosen.limit_usd + Decimal(more))

    @rule(n=pick)
    def lower(self, n):
        """Nothing that is spent or held comes back by it: `budgets_are_kept` looks on under what it was reserved."""
        chosen = Budget.objects.order_by("pk")[n % 4]
        Budget.objects.filter(pk=chosen.pk).update(limit_usd=chosen.limit_usd / 2)
        self.lowered.add(chosen.pk)
        forget_budgets()

    @rule()
    def sleep_until_tomorrow(self):
        clock.advance(24 * 3600)
        forget_budgets()

    @property
    def asking(self):
        return list(PendingAction.objects.filter(status="open").select_related("run", "step").order_by("pk"))

    @property
    def alive(self):
        return list(Run.objects.exclude(status__in=ENDED).order_by("pk"))

    @invariant()
    def adds_up(self):
        """Hold every period against the ledger, counted anew."""
        spent, held = Counter(), Counter()
        for call in ModelCall.objects.select_related("run"):
            for one in Budget.objects.all():
                if one.tenant_id in (None, call.run.tenant_id) and one.job_type in ("", call.run.job_type):
                    place = one.pk, start_of(Period(one.period), call.started_at)
                    spent[place] += call.cost_usd
                    held[place] += call.reserved_usd if call.status == "started" else 0
        for period in BudgetPeriod.objects.select_related("budget"):
            place = period.budget_id, period.starts_on
            assert (period.spent_usd, period.reserved_usd) == (spent[place], held[place]), period
            is_within = period.spent_usd + period.reserved_usd <= period.ceiling_usd
            assert is_within or period.budget_id in self.lowered, period
        assert [str(breach) for check in checks_of(of_money) for breach in check()] == []

    def teardown(self):
        if not hasattr(self, "atomic"):
            return
        try:
            self.users[0].is_superuser = True
            for run in self.alive:
                Run.objects.filter(pk=run.pk, status="running").update(
                    lease_expires_at=clock.now() - timedelta(seconds=1)
                )
            rescue_runs()
            for run in self.alive:
                cancel_run(run, user=self.users[0])
            for _ in self.alive:
                self.advance_one([])  # one that a dead worker was asked to cancel ends with its next claim
            self.adds_up()
            assert not self.alive and not BudgetPeriod.objects.exclude(reserved_usd=0).exists()
        finally:
            transaction.set_rollback(True)
            self.atomic.__exit__(None, None, None)
            clock.reset()
            forget_budgets()


@pytest.mark.fault(25)
def test_no_interleaving_exceeds_a_budget_or_leaves_anything_held():
    examples, steps = PROFILES[os.environ.get("HYPOTHESIS_PROFILE", "quick")]
    run_state_machine_as_test(Machine, settings=settings(max_examples=examples, stateful_step_count=steps))
