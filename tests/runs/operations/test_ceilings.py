"""Setting ceilings: refused at the field that makes no sense, and to whoever may not; in force in the same moment."""

import pytest
from django.contrib.auth import get_user_model

from runs.errors import InvalidInputError, NotPermittedError, QueueFullError
from runs.models import Ceiling, Role
from runs.operations.accounts import make_member, make_tenant
from runs.operations.ceilings import remove_ceiling, set_ceiling

pytestmark = pytest.mark.django_db


@pytest.fixture
def root(db):
    return get_user_model().objects.create_superuser("root", password="pw")


@pytest.fixture
def square(post):
    return lambda: post("squares", input={"upto": 1})


def test_it_holds_at_once_and_so_do_its_change_and_its_end(root, square):
    ceiling = set_ceiling(Ceiling(queue="batch", most=1), user=root)
    square()
    with pytest.raises(QueueFullError):
        square()

    ceiling.most = 2
    set_ceiling(ceiling, user=root)
    square()
    with pytest.raises(QueueFullError):
        square()
    remove_ceiling(ceiling, user=root)
    square()

    assert not Ceiling.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "field", "remedy"),
    [
        ({"most": -1}, "most", "from 0 to"),
        ({"most": 2_000_000_000_000}, "most", "from 0 to"),
        ({"queue": "bacth"}, "queue", "there are agents, batch"),
        ({"queue": ""}, "queue", "there are agents, batch"),
        ({"each_tenant": True, "of": "acme"}, "each_tenant", "Leave it off"),
    ],
)
def test_one_that_makes_no_sense_is_refused_at_its_field_with_the_remedy(root, tenant, wrong, field, remedy):
    whose = {"tenant": tenant} if wrong.pop("of", None) else {}

    with pytest.raises(InvalidInputError) as refused:
        set_ceiling(Ceiling(**({"queue": "batch", "most": 1} | whose | wrong)), user=root)

    assert list(refused.value.errors) == [field] and remedy in str(refused.value)


def test_a_second_one_of_the_same_is_refused_also_if_both_look_first(root, tenant, monkeypatch):
    for whose in ({}, {"each_tenant": True}, {"tenant": tenant}):
        set_ceiling(Ceiling(queue="batch", most=1, **whose), user=root)
    for looks in (True, False):
        monkeypatch.setattr(Ceiling, "clean", Ceiling.clean if looks else lambda ceiling: None)
        for whose in ({}, {"each_tenant": True}, {"tenant": tenant}):
            with pytest.raises(InvalidInputError, match=r"queue: .*change that one"):
                set_ceiling(Ceiling(queue="batch", most=2, **whose), user=root)

    assert set(Ceiling.objects.values_list("most", flat=True)) == {1}


def test_one_of_a_queue_that_is_gone_is_still_changed(root):
    ceiling = Ceiling.objects.create(queue="of a former deploy", most=1)

    ceiling.is_active = False
    set_ceiling(ceiling, user=root)

    assert not Ceiling.objects.get().is_active


def test_a_tenants_admin_sets_those_of_their_tenant_and_nobody_elses(root, tenant):
    chef, otto = make_member(tenant, "chef"), make_member(tenant, "otto")
    otto.memberships.update(role=Role.OPERATOR)
    own = set_ceiling(Ceiling(queue="batch", tenant=tenant, most=1), user=chef)

    assert own.updated_by_id == chef.pk
    for whose in ({}, {"each_tenant": True}, {"tenant": make_tenant("globex")}):
        with pytest.raises(NotPermittedError):
            set_ceiling(Ceiling(queue="batch", most=1, **whose), user=chef)
        with pytest.raises(NotPermittedError):
            remove_ceiling(set_ceiling(Ceiling(queue="batch", most=1, **whose), user=root), user=chef)
    for verb in (set_ceiling, remove_ceiling):
        with pytest.raises(NotPermittedError):
            verb(own, user=otto)
