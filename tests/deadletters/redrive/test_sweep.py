"""The reconciler advances redrives, by the database's clock."""

import pytest

from deadletters.redrive.actions import start
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
    redrive = plan_for(user, rate_per_s=0.1, canary=100)
    assert reconcile()["advance_redrives"] == 0, "nobody has started it"
    start(redrive, user=user)

    assert reconcile()["advance_redrives"] == 1, "the first is sent at once"
    clock.advance(10)
    assert reconcile()["advance_redrives"] == 1
    assert fresh(redrive).sent == 2
