"""Pausing: refused at the field that makes no sense, and to whoever may not."""

import pytest
from django.contrib.auth import get_user_model

from runs.errors import ConflictError, InvalidInputError, NotPermittedError
from runs.models import Pause, Role
from runs.operations.accounts import make_member, make_tenant
from runs.operations.pauses import end_pause, pause
from runs.operations.scope import Scope
from tests.at_once import at_once

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


@pytest.mark.django_db(transaction=True)
def test_of_many_who_pause_the_same_scope_at_once_one_does(root):
    def one(number):
        try:
            return pause(Scope(queue="agents"), user=root, reason=f"reason {number}")
        except ConflictError as refused:
            return str(refused)

    outcomes = at_once(8, one)

    assert Pause.objects.count() == 1
    assert sum("already paused by root" in str(outcome) for outcome in outcomes) == 7
