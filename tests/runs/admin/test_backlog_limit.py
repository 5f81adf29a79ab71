"""Backlog limits in the console: who may set them, in force at once, and refused at their field."""

import pytest
from django.urls import reverse

from runs.errors import QueueFullError
from runs.models import Limit
from tests.runs.admin.actions.pages import text_of
from tests.runs.admin.conftest import signed_in
from tests.runs.admin.rows import make_user

LIST, SET = "/admin/runs/limit/", "/admin/runs/limit/set/"
PERMS = tuple(f"runs.{verb}_limit" for verb in ("view", "add", "change", "delete"))

pytestmark = pytest.mark.django_db


@pytest.fixture
def keeper(tenant):
    return make_user("kim", tenant=tenant, perms=PERMS)


def typed(tenant=None, **changes):
    said = {"kind": "backlog", "queue": "batch", "tenant": tenant.pk if tenant else "", "most": "0", "note": "slow"}
    return said | {"per_s": "60"} | changes


def page_of(limit, what="change"):
    return reverse(f"admin:runs_limit_{what}", args=[limit.pk])


def errors_of(answer):
    return answer.context["form"].errors


def is_full(post):
    try:
        post("squares", input={"upto": 1})
    except QueueFullError:
        return True
    return False


def test_an_admin_sets_one_of_the_own_tenant_changes_it_and_removes_it(keeper, tenant, post):
    client = signed_in(keeper)
    client.post(SET, typed(tenant))
    limit = Limit.objects.get()

    assert (limit.tenant, limit.most, limit.updated_by) == (tenant, 0, keeper) and is_full(post)
    client.post(page_of(limit, "most"), {"most": "1", "note": "faster", "queue": "agents"})
    assert not is_full(post) and is_full(post) and Limit.objects.get().queue == "batch", "what it is of stays"
    assert Limit.objects.get().note == "faster"
    client.post(page_of(limit, "delete"), {"post": "yes"})
    assert not is_full(post) and not Limit.objects.exists()


def test_several_are_removed_at_once_and_hold_no_longer(root_client, tenant, post):
    root_client.post(SET, typed(tenant)), root_client.post(SET, typed())
    assert is_full(post)

    chosen = [str(pk) for pk in Limit.objects.values_list("pk", flat=True)]
    root_client.post(LIST, {"action": "delete_selected", "_selected_action": chosen, "post": "yes"})

    assert len(chosen) == 2 and not is_full(post)


def test_what_is_everybodys_is_a_superusers_and_seen_by_all(keeper, root_client, tenant):
    client = signed_in(keeper)
    for whose in ({}, {"each_tenant": "on"}):
        assert errors_of(client.post(SET, typed(**whose)))["tenant"]
        assert root_client.post(SET, typed(**whose)).status_code == 302
    limit = Limit.objects.first()

    assert text_of(client, LIST).count("batch") >= 2
    assert client.post(page_of(limit, "most"), {"most": "9"}).status_code == 403
    assert client.post(page_of(limit, "delete"), {"post": "yes"}).status_code == 403
    client.post(LIST, {"action": "delete_selected", "_selected_action": [limit.pk], "post": "yes"})
    assert list(Limit.objects.values_list("most", flat=True)) == [0, 0]


@pytest.mark.parametrize("role", ["viewer", "operator", "approver"])
def test_no_other_role_writes_any(tenant, role):
    limit = Limit.objects.create(kind="backlog", queue="agents", tenant=tenant, most=7)
    client = signed_in(make_user("somebody", tenant=tenant, role=role, perms=PERMS))

    assert errors_of(client.post(SET, typed(tenant)))["tenant"]
    assert client.post(page_of(limit, "most"), {"most": "9"}).status_code == 403
    assert client.post(page_of(limit, "delete"), {"post": "yes"}).status_code == 403
    assert Limit.objects.get().most == 7


def test_another_tenants_do_not_exist(keeper, other_tenant):
    limit = Limit.objects.create(kind="backlog", queue="agents", tenant=other_tenant, most=7)
    client = signed_in(keeper)

    assert client.get(page_of(limit)).status_code == 404
    assert client.get(LIST).context["cl"].result_count == 0
    assert errors_of(client.post(SET, typed(other_tenant)))["tenant"]


def test_the_list_says_how_many_wait(root_client, post):
    post("squares", input={"upto": 1})
    Limit.objects.create(kind="backlog", queue="batch", most=7)

    page = root_client.get(LIST).content.decode()

    assert '<td class="field-holds">1</td>' in page and "answered with 429" in page


def test_what_makes_no_sense_is_said_at_its_field(root_client, tenant):
    Limit.objects.create(kind="backlog", queue="batch", most=1)

    assert list(errors_of(root_client.post(SET, typed(tenant, each_tenant="on")))) == ["each_tenant"]
    assert list(errors_of(root_client.post(SET, typed(tenant, most="2000000000")))) == ["most"]
    assert list(errors_of(root_client.post(SET, typed(tenant, queue="nowhere")))) == ["queue"]
    assert "change that one" in str(errors_of(root_client.post(SET, typed()))["queue"])


def test_whoever_may_only_read_records_sets_none(reader_client):
    assert reader_client.post(SET, typed()).status_code == 403
