"""Policies: who writes which, and what is said about one that cannot be."""

import pytest
from django.urls import reverse

from runs.models import ApprovalPolicy
from tests.runs.admin.actions.pages import text_of
from tests.runs.admin.conftest import OPERATOR, signed_in
from tests.runs.admin.rows import HOSTILE, make_user

pytestmark = pytest.mark.django_db
LIST, ADD = "/admin/runs/approvalpolicy/", "/admin/runs/approvalpolicy/add/"


def typed(tenant=None, **changes):
    said = {"tool": "pay", "risk": "", "from_usd": "0", "role": "approver", "approvals": "1"}
    said |= {"self_approval": "never", "on_expiry": "reject", "tenant": tenant.pk if tenant else ""}
    return said | changes


def page_of(policy, what="change"):
    return reverse(f"admin:runs_approvalpolicy_{what}", args=[policy.pk])


def errors_of(response):
    return response.context["adminform"].form.errors


def test_without_policies_it_says_what_holds(operator_client):
    page = text_of(operator_client, LIST)

    assert "No policies" in page and "an approver or admin decides" in page and "After 7 d 0 h" in page


def test_an_admin_writes_those_of_the_own_tenant_and_is_named(operator_client, operator, tenant):
    operator_client.post(ADD, typed(tenant, approvals="2", from_usd="500"))

    policy = ApprovalPolicy.objects.get()
    assert (policy.tenant, policy.approvals, policy.updated_by) == (tenant, 2, operator)
    operator_client.post(page_of(policy), typed(tenant, approvals="3"))
    assert ApprovalPolicy.objects.get().approvals == 3
    operator_client.post(page_of(policy, "delete"), {"post": "yes"})
    assert not ApprovalPolicy.objects.exists()


def test_what_holds_for_every_tenant_belongs_to_superusers_and_is_seen_by_all(operator_client, root_client):
    operator_client.post(ADD, typed())
    assert not ApprovalPolicy.objects.exists()
    root_client.post(ADD, typed())
    policy = ApprovalPolicy.objects.get()

    assert "pay" in text_of(operator_client, LIST)
    assert operator_client.post(page_of(policy), typed(approvals="4")).status_code == 403
    assert operator_client.post(page_of(policy, "delete"), {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [policy.pk], "post": "yes"}
    operator_client.post(LIST, chosen)
    assert ApprovalPolicy.objects.get().approvals == 1


@pytest.mark.parametrize("role", ["viewer", "operator", "approver"])
def test_no_other_role_writes_any(tenant, role):
    policy = ApprovalPolicy.objects.create(tenant=tenant, tool="pay")
    client = signed_in(make_user("somebody", tenant=tenant, role=role, perms=OPERATOR))

    client.post(ADD, typed(tenant, tool="other"))

    assert client.post(page_of(policy), typed(tenant, approvals="2")).status_code == 403
    assert client.post(page_of(policy, "delete"), {"post": "yes"}).status_code == 403
    assert list(ApprovalPolicy.objects.values_list("tool", "approvals")) == [("pay", 1)]


def test_another_tenants_do_not_exist(operator_client, other_tenant):
    policy = ApprovalPolicy.objects.create(tenant=other_tenant, tool="pay")

    operator_client.post(ADD, typed(other_tenant, tool="other"))

    assert operator_client.get(page_of(policy)).status_code == 404
    assert operator_client.get(LIST).context["cl"].result_count == 0 and ApprovalPolicy.objects.count() == 1


@pytest.mark.parametrize("everywhere", [True, False])
def test_a_second_one_for_the_same_calls_is_refused_at_its_field(root_client, tenant, everywhere):
    where = None if everywhere else tenant
    ApprovalPolicy.objects.create(tenant=where, tool="pay", risk="high", from_usd=10)

    page = root_client.post(ADD, typed(where, risk="high", from_usd="10.00"))

    assert list(errors_of(page)) == ["tool"] and "change that one" in errors_of(page)["tool"][0]
    root_client.post(ADD, typed(where, risk="high", from_usd="11"))
    assert ApprovalPolicy.objects.count() == 2


@pytest.mark.parametrize(
    ("field", "value"),
    [("approvals", "0"), ("approvals", "6"), ("expires_s", "0"), ("expires_s", "nan"), ("expires_s", "1e12"),
     ("remind_every_s", "-1"), ("remind_every_s", "59"), ("remind_every_s", "31536001"), ("from_usd", "-1"),
     ("risk", "odd")],
)  # fmt: skip
def test_what_does_not_fit_is_said_at_its_field(root_client, field, value):
    page = root_client.post(ADD, typed(**{field: value}))

    assert list(errors_of(page)) == [field] and not ApprovalPolicy.objects.exists()


def test_amounts_are_shown_as_people_write_them(root_client):
    for place, amount in enumerate(("0", "500", "0.5")):
        policy = ApprovalPolicy.objects.create(tool=f"tool-{place}", from_usd=amount)
        assert f'name="from_usd" value="{amount}"' in text_of(root_client, page_of(policy))


def test_the_list_says_the_terms_in_words_and_hostile_ones_as_text(root_client):
    ApprovalPolicy.objects.create(tool=HOSTILE, approvals=2, expires_s=3600, on_expiry="cancel")

    page = root_client.get(LIST).content.decode()

    assert "2 different people must agree" in page and "1 h 0 m" in page and "the run is cancelled" in page
    assert "&lt;img src=x" in page and "<img src=x" not in page
