"""What the budget stop proposes: once accepted as it stands, the call that asked goes on, whatever it may cost."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from runs.engine.budget_asking import proposed_ceiling_usd
from runs.engine.outcomes import Completed, Waiting
from runs.engine.prices import forget_rows
from runs.models import PendingAction, Price, Run
from runs.operations.accounts import make_member
from runs.operations.actions.raise_budget import raise_budget
from tests.runs.budgets.money import budget

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("answering")]
EIGHT_PLACES = Decimal("0.00000001")


def amounts(most):
    return st.decimals(EIGHT_PLACES, most, places=8)


def price(output_usd):
    """Let a call hold the price of 4096 answered tokens: at most 9 cents."""
    nothing = dict.fromkeys(("input_usd", "cache_read_usd", "cache_write_usd", "cache_write_1h_usd"), 0)
    since = datetime(2020, 1, 1, tzinfo=UTC)
    Price.objects.create(model="claude-*", output_usd=output_usd, web_searches_usd=0, valid_from=since, **nothing)
    forget_rows()


@pytest.fixture
def accepting(tenant, post, work):
    """Post a run that a budget stops, accept what is proposed, and see how it goes on; all of it undone at the end."""
    boss = make_member(tenant, "boss")

    def accept(*, output_usd, stop, **request):
        with transaction.atomic():
            price(output_usd)
            stop()
            post("clerk", **request)
            outcomes = work()
            if outcomes == [Waiting()]:
                raise_budget(PendingAction.objects.get(status="open"), user=boss)
                outcomes = work()
            transaction.set_rollback(True)
        return outcomes

    return accept


rates = st.decimals(Decimal("0.01"), 22, places=6)


@given(output_usd=rates, ceiling=amounts(Decimal("0.1")))
@example(output_usd=Decimal("10.131836"), ceiling=Decimal("0.02"))  # 0.0415 was answered with 0.04
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_accepted_ceiling_of_a_run_lets_its_call_go_on(accepting, output_usd, ceiling):
    outcomes = accepting(output_usd=output_usd, stop=lambda: None, max_cost_usd=ceiling)

    assert outcomes == [Completed("Done.")]


@given(output_usd=rates, limit=amounts(Decimal("0.1")), period=st.sampled_from(["day", "month", "total"]))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_accepted_raise_of_a_budget_lets_the_call_go_on(accepting, tenant, output_usd, limit, period):
    def stop():
        budget(limit, period=period, tenant=tenant)

    outcomes = accepting(output_usd=output_usd, stop=stop, max_cost_usd=Decimal(100))

    assert outcomes == [Completed("Done.")]


def test_no_more_is_proposed_than_a_row_can_hold():
    run = Run(max_cost_usd=Decimal(600_000), cost_usd=Decimal("599999.99"))

    assert proposed_ceiling_usd(run, Decimal("0.02")) == Decimal("999999.99")
