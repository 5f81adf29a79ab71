"""Who may operate a run: whoever asked for it, as long as they belong to its tenant, and operators and admins."""

import pytest
from django.contrib.auth import get_user_model

from runs.errors import NotPermittedError
from runs.models import Membership, Role
from runs.operations.accounts import make_tenant
from runs.operations.permissions import check_may_operate

pytestmark = pytest.mark.django_db


@pytest.fixture
def member(tenant):
    def member(role, of=tenant):
        user = get_user_model().objects.create(username=f"{role}-{of.slug}")
        Membership.objects.create(user=user, tenant=of, role=role)
        return user

    return member


@pytest.fixture
def asked(post, member):
    """A run and its requester, whose role alone would not do."""
    run = post("clerk")
    run.requested_by = member(Role.VIEWER)
    return run, run.requested_by


def test_whoever_asked_for_a_run_may_operate_it(asked):
    check_may_operate(*asked)


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.ADMIN])
def test_so_may_operators_and_admins_of_its_tenant(asked, member, role):
    check_may_operate(asked[0], member(role))


def test_nobody_else_may(asked, member):
    others = member(Role.APPROVER), member(Role.ADMIN, of=make_tenant("other"))

    for other in others:
        with pytest.raises(NotPermittedError):
            check_may_operate(asked[0], other)


@pytest.mark.parametrize("how", ["disabled", "expelled"])
def test_whoever_asked_for_it_may_no_longer_once_they_are_gone(asked, how):
    run, user = asked
    if how == "disabled":
        user.is_active = False
    else:
        user.memberships.all().delete()

    with pytest.raises(NotPermittedError):
        check_may_operate(run, user)
