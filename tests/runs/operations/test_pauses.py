"""Pausing: refused at the field that makes no sense, and to whoever may not."""

import pytest
from django.contrib.auth import get_user_model

from runs.errors import ConflictError, InvalidInputError, NotPermittedError
from runs.models import Pause, Role
from runs.operations.accounts import make_member, make_tenant
from runs.operations.pauses import end_pause, pause
from tests.at_once import at_once

pytestmark = pytest.mark.django_db


@pytest.fixture
def root(db):
    return get_user_model().objects.create_superuser("root", password="pw")


def test_a_pause_says_what_and_why(root):
    for paused, field in ((Pause(reason="r"), "queue"), (Pause(queue="agents", reason=" "), "reason")):
        with pytest.raises(InvalidInputError) as refused:
            pause(paused, user=root)
        assert list(refused.value.errors) == [field]


def test_those_who_operate_in_a_tenant_pause_it_and_nobody_elses(root, tenant):
    otto = make_member(tenant, "otto")
    otto.memberships.update(role=Role.OPERATOR)

    assert pause(Pause(tenant=tenant, reason="r"), user=otto).paused_by_id == otto.pk
    for paused in (Pause(queue="agents", reason="r"), Pause(tenant=make_tenant("globex"), reason="r")):
        with pytest.raises(NotPermittedError):
            pause(paused, user=otto)
        with pytest.raises(NotPermittedError):
            end_pause(pause(paused, user=root), user=otto)


@pytest.mark.django_db(transaction=True)
def test_of_many_who_pause_the_same_scope_at_once_one_does(root):
    def one(number):
        try:
            return pause(Pause(queue="agents", reason=f"reason {number}"), user=root)
        except ConflictError as refused:
            return str(refused)

    outcomes = at_once(8, one)

    assert Pause.objects.count() == 1
    assert sum("already paused by root" in str(outcome) for outcome in outcomes) == 7
