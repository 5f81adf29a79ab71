"""Runs whose calls hold a dollar each and cost a quarter of it."""

import pytest

from runs.engine.provider import answered_by
from tests.runs.budgets.money import answer, price_calls


@pytest.fixture
def priced(db):
    price_calls()


@pytest.fixture
def ask(priced, post):
    """Post a run of one call; its own ceiling is out of the way."""
    return lambda job_type="clerk", **request: post(job_type, max_cost_usd=100, **request)


@pytest.fixture
def answering():
    with answered_by(answer):
        yield
