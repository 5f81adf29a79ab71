"""The reconciler advances redrives, by the database's clock."""

import pytest

from deadletters.redrive.verbs import start
from runs import clock
from runs.maintenance.reconcile import reconcile
from tests.deadletters.redrive.letters import fresh, make_letters, plan_for

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _clock():
    yield
    clock.reset()


def test_every_sweep_takes_a_step(tenant, user):
    make_letters(20, tenant, user)
    redrive = plan_for(user, rate_per_s=2, canary=100)
    assert reconcile()["advance_redrives"] == 0, "nobody has started it"
    start(redrive, user=user)

    assert reconcile()["advance_redrives"] == 1
    clock.advance(2)
    assert reconcile()["advance_redrives"] >= 4
    assert 5 <= fresh(redrive).sent <= 7
