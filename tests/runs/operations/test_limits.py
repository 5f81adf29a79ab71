"""Setting limits: refused at the field that makes no sense, and to whoever may not."""

import pytest
from django.contrib.auth import get_user_model

from runs.errors import InvalidInputError, NotPermittedError
from runs.models import Limit
from runs.operations.accounts import make_member, make_tenant
from runs.operations.limits import set_limit

pytestmark = pytest.mark.django_db


@pytest.fixture
def root(db):
    return get_user_model().objects.create_superuser("root", password="pw")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"most": -1}, "most"),
        ({"most": 1, "kind": "speed"}, "kind"),
        ({"most": 1, "per_s": 0}, "per_s"),
        ({"most": 1, "job_type": "nothing"}, "job_type"),
        ({"most": 1, "model": "claude-none"}, "model"),
        ({"most": 1, "tool": "hammer"}, "tool"),
        ({"most": 1, "job_type": "single", "model": "claude-imaginary-9"}, "model"),
        ({"most": 1, "job_type": "squares", "model": "claude-sonnet-5-5"}, "model"),
        ({"most": 1, "job_type": "single", "tool": "put"}, "tool"),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused_and_the_field_named(root, wrong, field):
    with pytest.raises(InvalidInputError) as refused:
        set_limit(Limit(**wrong), user=root)

    assert list(refused.value.errors) == [field]


def test_a_tenants_admin_limits_their_tenant_and_nobody_elses(tenant):
    chef = make_member(tenant, "chef")

    assert set_limit(Limit(tenant=tenant, most=1), user=chef).updated_by_id == chef.pk
    for selected in ({}, {"queue": "agents"}, {"tenant": make_tenant("globex")}):
        with pytest.raises(NotPermittedError):
            set_limit(Limit(most=1, **selected), user=chef)
