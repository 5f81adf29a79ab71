"""Setting backlog limits: refused at the field that makes no sense and without the role; in force at once."""

import pytest
from django.contrib.auth import get_user_model
from django.db import IntegrityError

from runs.errors import InvalidInputError, NotPermittedError, QueueFullError
from runs.models import Limit, Role
from runs.operations.accounts import make_member, make_tenant
from runs.operations.limits import change_limit, remove_limit, set_limit

pytestmark = pytest.mark.django_db


@pytest.fixture
def root(db):
    return get_user_model().objects.create_superuser("root", password="pw")


def backlog(**columns):
    return Limit(**{"kind": "backlog", "queue": "batch"} | columns)


@pytest.fixture
def square(post):
    return lambda: post("squares", input={"upto": 1})


def test_it_holds_at_once_and_so_do_its_change_and_its_end(root, square):
    limit = set_limit(backlog(most=1), user=root)
    square()
    with pytest.raises(QueueFullError):
        square()

    change_limit(limit, user=root, most=2)
    square()
    with pytest.raises(QueueFullError):
        square()
    remove_limit(limit, user=root)
    square()

    assert not Limit.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "field", "remedy"),
    [
        ({"most": -1}, "most", "from 0 to"),
        ({"most": 2_000_000_000_000}, "most", "from 0 to"),
        ({"queue": "bacth"}, "queue", "there are agents, batch"),
        ({"queue": ""}, "queue", "there are agents, batch"),
        ({"each_tenant": True, "of": "acme"}, "each_tenant", "leave it off"),
        ({"job_type": "squares"}, "job_type", "leave it out"),
        ({"model": "claude-sonnet-5-5"}, "model", "leave it out"),
        ({"tool": "put"}, "tool", "leave it out"),
    ],
)
def test_one_that_makes_no_sense_is_refused_at_its_field_with_the_remedy(root, tenant, wrong, field, remedy):
    whose = {"tenant": tenant} if wrong.pop("of", None) else {}

    with pytest.raises(InvalidInputError) as refused:
        set_limit(backlog(**{"most": 1} | whose | wrong), user=root)

    assert list(refused.value.errors) == [field] and remedy in str(refused.value)


def test_a_second_one_of_the_same_is_refused(root, tenant):
    for whose in ({}, {"each_tenant": True}, {"tenant": tenant}):
        set_limit(backlog(most=1, **whose), user=root)
        with pytest.raises(InvalidInputError, match=r"queue: .*change that one"):
            set_limit(backlog(most=2, **whose), user=root)

    assert set(Limit.objects.values_list("most", flat=True)) == {1}


def test_one_of_a_queue_that_is_gone_is_still_changed(root):
    limit = Limit.objects.create(kind="backlog", queue="of a former deploy", most=1)

    change_limit(limit, user=root, is_active=False)

    assert not Limit.objects.get().is_active


@pytest.mark.parametrize("wrong", [{"queue": ""}, {"job_type": "squares"}, {"model": "m"}, {"tool": "put"}])
def test_the_database_refuses_one_that_selects_by_anything_else(wrong):
    with pytest.raises(IntegrityError):
        backlog(**{"most": 1} | wrong).save()


def test_it_holds_back_nothing_that_waits_already(root, square, work):
    square()
    set_limit(backlog(most=0), user=root)

    assert len(work()) == 1


def test_a_tenants_admin_sets_those_of_their_tenant_and_nobody_elses(root, tenant):
    chef, otto = make_member(tenant, "chef"), make_member(tenant, "otto")
    otto.memberships.update(role=Role.OPERATOR)
    own = set_limit(backlog(tenant=tenant, most=1), user=chef)

    assert own.updated_by_id == chef.pk
    for whose in ({}, {"each_tenant": True}, {"tenant": make_tenant("globex")}):
        with pytest.raises(NotPermittedError):
            set_limit(backlog(most=1, **whose), user=chef)
        with pytest.raises(NotPermittedError):
            remove_limit(set_limit(backlog(most=1, **whose), user=root), user=chef)
    for verb in (set_limit, change_limit, remove_limit):
        with pytest.raises(NotPermittedError):
            verb(own, user=otto)
