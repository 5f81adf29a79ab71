import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.test import Client

from tests.runs.admin.filled import fill
from tests.runs.admin.rows import make_tenant, make_user

OPERATOR = (
    "runs.view_run",
    "runs.change_run",
    "runs.view_pendingaction",
    "runs.change_pendingaction",
    "deadletters.view_deadletter",
    "deadletters.replay_deadletter",
    "runs.view_artifact",
    "runs.view_definition",
    "runs.view_apitoken",
    "runs.view_queuelane",
    "runs.view_tenant",
    "runs.view_membership",
    "runs.view_approvalpolicy",
    "runs.add_approvalpolicy",
    "runs.change_approvalpolicy",
    "runs.delete_approvalpolicy",
    "runs.view_approvalrule",
    "runs.add_approvalrule",
    "runs.change_approvalrule",
    "runs.view_budget",
    "runs.add_budget",
    "runs.change_budget",
    "runs.view_revokedtool",
    "runs.add_revokedtool",
    "runs.change_revokedtool",
    "runs.view_limit",
    "runs.add_limit",
    "runs.change_limit",
    "runs.view_pause",
    "runs.add_pause",
    "runs.change_pause",
)
READER = tuple(perm for perm in OPERATOR if ".view_" in perm)


@pytest.fixture(autouse=True)
def _fresh_numbers():
    """The sidebar keeps its numbers for a few seconds; the next test has other rows."""
    cache.clear()


@pytest.fixture
def tenant(db):
    return make_tenant("acme")


@pytest.fixture
def other_tenant(db):
    return make_tenant("globex")


@pytest.fixture
def root(db):
    return get_user_model().objects.create_superuser("root", password="pw")


@pytest.fixture
def operator(tenant):
    return make_user("olga", tenant=tenant, perms=OPERATOR)


@pytest.fixture
def reader(tenant):
    return make_user("rita", tenant=tenant, role="viewer", perms=READER)


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def root_client(root):
    return signed_in(root)


@pytest.fixture
def operator_client(operator):
    return signed_in(operator)


@pytest.fixture
def reader_client(reader):
    return signed_in(reader)


@pytest.fixture
def filled(root, tenant):
    return fill(root, tenant)
