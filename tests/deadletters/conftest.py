import pytest

from tests.deadletters.redrive.letters import make_letters
from tests.runs.admin.rows import make_user


@pytest.fixture
def olga(tenant):
    """An operator of acme."""
    return make_user("olga", tenant=tenant, role="operator")


@pytest.fixture
def thirty(tenant, olga):
    return make_letters(30, tenant, olga)
