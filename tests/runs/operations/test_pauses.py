"""Pausing: refused at the field that makes no sense, and to whoever may not."""

import pytest
from django.contrib.auth import get_user_model

from runs.errors import InvalidInputError, NotPermittedError
from runs.models import Role
from runs.operations.accounts import make_member, make_tenant
from runs.operations.pauses import end_pause, pause
from runs.operations.scope import Scope

pytestmark = pytest.mark.django_db


@pytest.fixture
def root(db):
    return get_user_model().objects.create_superuser("root", password="pw")


def test_a_pause_says_what_and_why(root):
    for scope, reason, field in ((Scope(), "r", "queue"), (Scope(queue="agents"), " ", "reason")):
        with pytest.raises(InvalidInputError) as refused:
            pause(scope, user=root, reason=reason)
        assert list(refused.value.errors) == [field]


def test_those_who_operate_in_a_tenant_pause_it_and_nobody_elses(root, tenant):
    otto = make_member(tenant, "otto")
    otto.memberships.update(role=Role.OPERATOR)

    assert pause(Scope(tenant=tenant), user=otto, reason="r").paused_by_id == otto.pk
    for scope in (Scope(queue="agents"), Scope(tenant=make_tenant("globex"))):
        with pytest.raises(NotPermittedError):
            pause(scope, user=otto, reason="r")
        with pytest.raises(NotPermittedError):
            end_pause(pause(scope, user=root, reason="r"), user=otto)
