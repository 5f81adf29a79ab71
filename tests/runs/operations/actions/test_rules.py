"""Approval by rule: low risk, within bounds, counted, revocable."""

from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import OperationalError

from runs import clock
from runs.engine import asking, tool_calls
from runs.engine.approvals.rules import use_rule
from runs.engine.pending_writes import Gathered
from runs.errors import InvalidInputError, NotPermittedError, ToolBusyError
from runs.invariants.every import breaches
from runs.maintenance.wake_timers import wake_timers
from runs.models import ApprovalPolicy, ApprovalRule, Membership, PendingAction, Role, RunEvent
from runs.operations.actions.rules import grant_rule, revoke_rule
from tests.at_once import at_once
from tests.runs.engine.story import say, use
from tests.testapp.agents import CALLS

pytestmark = pytest.mark.django_db


@pytest.fixture
def grant(tenant, person):
    def grant(**more):
        request = {
            "tool": "pay",
            "reason": "small refunds",
            "expires_at": timedelta(hours=8),
            "max_uses": 10,
            "max_usd": Decimal(20),
        } | more
        request["expires_at"] += clock.now()
        return grant_rule(ApprovalRule(**request), tenant=tenant, user=person("anna"))

    return grant


def asked(action: PendingAction) -> bool:
    return PendingAction.objects.filter(run=action.run_id, status="open").exists()


def test_a_call_within_the_rule_needs_nobody_and_says_by_which_rule(proposed, grant):
    rule = grant()

    action = proposed(5.0)

    assert CALLS["pay"] == 1 and not asked(action)
    assert (action.status, action.rule, action.decided_by) == ("approved", rule, None)
    assert action.decided_at and "small refunds" in action.reason
    told = RunEvent.objects.get(run=action.run_id, kind="action.approved").data
    assert told["rule"] == str(rule.pk)
    rule.refresh_from_db()
    assert (rule.uses, rule.used_usd) == (1, 5)
    assert list(breaches()) == []


@pytest.mark.parametrize(
    ("amount", "bounds"),
    [
        (5.0, {"max_usd": Decimal(4)}),
        (5.0, {"max_total_usd": Decimal(4)}),
        (5.0, {"arguments": {"to": "eve"}}),
        (5.0, {"arguments": {"to": "bob", "urgent": True}}),
        (5.0, {"job_type": "clerk", "tool": "refund", "max_usd": None}),
        (50.0, {"max_usd": Decimal(100)}),  # not of low risk
    ],
)
def test_a_call_beyond_a_bound_is_asked_about(proposed, tenant, person, amount, bounds):
    columns = {"tool": "pay", "max_uses": 10, "expires_at": clock.now() + timedelta(hours=1), "reason": "r"} | bounds
    ApprovalRule.objects.create(tenant=tenant, granted_by=person("anna"), granted_at=clock.now(), **columns)

    assert asked(proposed(amount)) and not CALLS["pay"]


def test_a_rule_with_these_very_arguments_fits(proposed, grant):
    grant(arguments={"to": "bob"})

    assert not asked(proposed(5.0)) and CALLS["pay"] == 1


def test_a_rule_is_used_up_by_its_uses_and_by_its_total(proposed, grant):
    grant(max_uses=1)
    assert not asked(proposed(5.0)) and asked(proposed(5.0))

    grant(max_total_usd=Decimal(12))
    assert not asked(proposed(7.0)) and asked(proposed(7.0))
    assert CALLS["pay"] == 2


def test_a_rule_that_was_revoked_or_has_expired_approves_nothing(proposed, grant, person):
    revoked = revoke_rule(grant(), user=person("ben"))
    assert revoked.revoked_by.username == "ben"
    expired = grant()
    ApprovalRule.objects.filter(pk=expired.pk).update(expires_at=clock.now())

    assert asked(proposed(5.0))


def test_a_rule_of_somebody_who_has_lost_the_right_approves_nothing(proposed, grant, person):
    grant()
    Membership.objects.filter(user=person("anna")).update(role=Role.VIEWER)

    assert asked(proposed(5.0))


def test_four_eyes_do_not_look_beforehand(proposed, grant):
    grant()
    ApprovalPolicy.objects.create(tool="pay", approvals=2)

    assert asked(proposed(5.0))


def test_a_rule_of_another_tenant_approves_nothing(proposed, grant):
    from runs.operations.accounts import make_tenant

    rule = grant()
    ApprovalRule.objects.filter(pk=rule.pk).update(tenant=make_tenant("globex"))

    assert asked(proposed(5.0))


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"reason": " "}, "reason"),
        ({"max_uses": 0}, "max_uses"),
        ({"expires_at": timedelta(minutes=-1)}, "expires_at"),
        ({"expires_at": timedelta(days=32)}, "expires_at"),
        ({"tool": "nothing"}, "tool"),
        ({"tool": "refund", "max_usd": None}, "tool"),  # declared without a risk: medium
        ({"max_usd": Decimal(0)}, "max_usd"),
        ({"tool": "look_up"}, "max_usd"),  # says no amount
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_and_the_field_named(grant, wrong, field):
    with pytest.raises(InvalidInputError) as refused:
        grant(**wrong)

    assert list(refused.value.errors) == [field]


def test_only_who_decides_may_grant_or_revoke(grant, person, tenant):
    rule = grant()
    with pytest.raises(NotPermittedError):
        revoke_rule(rule, user=person("olga", Role.OPERATOR))


@pytest.mark.django_db(transaction=True)
def test_many_at_once_use_a_rule_no_more_often_than_it_says(grant):
    rule = grant(max_uses=5, max_total_usd=Decimal("3.5"))

    used = at_once(20, lambda _: use_rule(rule, Decimal(1)))

    rule.refresh_from_db()
    assert (sum(used), rule.uses, rule.used_usd) == (3, 3, 3)


def test_a_rule_is_used_to_its_last_cent(grant):
    rule = grant(max_total_usd=Decimal("0.3"))

    assert [use_rule(rule, Decimal("0.1")) for _ in range(4)] == [True, True, True, False]


def test_an_approval_whose_write_failed_is_written_with_its_use_or_not_at_all(offline, post, grant, work, monkeypatch):
    real, failed = Gathered.write, []

    def write(self, run, **columns):
        real(self, run, **columns)
        if any(action.rule_id for action in self.actions) and not failed:
            failed.append(True)
            raise OperationalError("deadlock detected")

    rule = grant(max_uses=1)
    monkeypatch.setattr(Gathered, "write", write)
    offline({"turns": [use(("pay", {"to": "bob", "amount_usd": 5.0})), say("Done.")]})
    run = post("cashier")
    work()
    clock.advance(600)
    wake_timers()

    work()

    rule.refresh_from_db()
    assert (CALLS["pay"], rule.uses, PendingAction.objects.filter(rule=rule).count()) == (1, 1, 1) and failed
    told = RunEvent.objects.filter(run=run, kind="action.approved")
    assert told.count() == 1 and list(breaches()) == []


@pytest.fixture
def raced(monkeypatch):
    """Let others use a rule up between the moment it is found and the moment it is used."""

    def raced(rule):
        real, found = asking.rules_for, []

        def rules_for(*call):
            rules = real(*call)
            if not found:
                found.append(True)
                ApprovalRule.objects.filter(pk=rule.pk).update(uses=rule.max_uses)
            return rules

        monkeypatch.setattr(asking, "rules_for", rules_for)

    return raced


def test_a_rule_that_others_use_up_in_this_moment_approves_nothing(proposed, grant, raced):
    rule = grant()
    raced(rule)

    action = proposed(5.0)

    assert action.status == "open" and action.rule is None and not CALLS["pay"]
    assert not RunEvent.objects.filter(run=action.run_id, kind="action.approved").exists()


def test_if_others_use_up_one_rule_in_this_moment_another_that_fits_approves(proposed, grant, raced):
    first, second = grant(expires_at=timedelta(hours=1)), grant()
    raced(first)

    action = proposed(5.0)

    assert action.rule == second and CALLS["pay"] == 1
    first.refresh_from_db(), second.refresh_from_db()
    assert (first.used_usd, second.uses) == (0, 1) and list(breaches()) == []


# Again at execution


@pytest.fixture
def busy_at_first(monkeypatch):
    """Let the tool have no place for the first call: a time lies between the rule's approval and the call."""
    real, asked_before = tool_calls.place_for, []

    @contextmanager
    def place_for(name, run):
        if not asked_before:
            asked_before.append(True)
            raise ToolBusyError("no place")
        with real(name, run):
            yield

    monkeypatch.setattr(tool_calls, "place_for", place_for)


def test_a_rule_that_has_approved_a_call_still_holds_when_it_is_made_later(proposed, grant, busy_at_first, work):
    rule = grant(max_uses=1)
    proposed(5.0)
    clock.advance(3600)
    wake_timers()

    work()

    rule.refresh_from_db()
    assert (CALLS["pay"], rule.uses) == (1, 1)


@pytest.mark.parametrize("change", ["expired", "four eyes"])
def test_a_rule_that_holds_no_more_when_the_call_is_made_makes_it_ask(proposed, grant, busy_at_first, work, change):
    grant()
    action = proposed(5.0)
    if change == "four eyes":
        ApprovalPolicy.objects.create(tool="pay", approvals=2)
    clock.advance(9 * 3600 if change == "expired" else 3600)
    wake_timers()

    work()

    again = PendingAction.objects.get(run=action.run_id, status="open")
    assert not CALLS["pay"] and "does not hold any more" in again.reason
