"""Revoked tools: by whom, where, and given back."""

import pytest
from django.urls import reverse

from runs.models import RevokedTool
from tests.runs.admin.actions.pages import text_of, texts
from tests.runs.admin.approval_rows import make_revoked
from tests.runs.admin.conftest import OPERATOR, signed_in
from tests.runs.admin.rows import make_user

pytestmark = pytest.mark.django_db
LIST, REVOKE = "/admin/runs/revokedtool/", reverse("admin:runs_revokedtool_revoke")


def typed(tenant=None, **changes):
    return {"tool": "console_refund", "tenant": tenant.pk if tenant else "", "reason": "The bank is audited."} | changes


def restore_of(revoked):
    return reverse("admin:runs_revokedtool_restore", args=[revoked.pk])


def test_an_admin_revokes_in_the_own_tenant_and_gives_it_back(operator_client, operator, tenant):
    answer = operator_client.post(REVOKE, typed(tenant), follow=True)

    revoked = RevokedTool.objects.get()
    assert (revoked.tool, revoked.tenant, revoked.revoked_by) == ("console_refund", tenant, operator)
    assert "Revoked: console_refund of acme." in texts(answer)
    assert operator_client.get(restore_of(revoked)).status_code == 405
    operator_client.post(restore_of(revoked))
    assert RevokedTool.objects.get().restored_by == operator


def test_only_a_superuser_revokes_for_every_tenant_and_everybody_sees_it(operator_client, operator, root, root_client):
    page = operator_client.post(REVOKE, typed())
    assert "tenant" in page.context["form"].errors and not RevokedTool.objects.exists()

    root_client.post(REVOKE, typed())
    revoked = RevokedTool.objects.get()

    assert revoked.tenant is None and "every tenant" in text_of(operator_client, LIST)
    assert operator_client.post(restore_of(revoked)).status_code == 403


@pytest.mark.parametrize("role", ["viewer", "operator", "approver"])
def test_no_other_role_revokes_or_restores(tenant, root, role):
    revoked = make_revoked(tenant, root)
    client = signed_in(make_user("somebody", tenant=tenant, role=role, perms=OPERATOR))

    client.post(REVOKE, typed(tenant))

    assert client.post(restore_of(revoked)).status_code == 403
    assert list(RevokedTool.objects.filter(restored_at=None)) == [revoked]


def test_twice_and_without_a_reason_is_refused_on_the_page(operator_client, operator, tenant):
    operator_client.post(REVOKE, typed(tenant))

    twice = operator_client.post(REVOKE, typed(tenant)).context["form"]
    mute = operator_client.post(REVOKE, typed(tenant, tool="crawl", reason=" ")).context["form"]

    assert "revoked there already" in twice.non_field_errors()[0] and list(mute.errors) == ["reason"]
    assert RevokedTool.objects.count() == 1


def test_another_tenants_do_not_exist(operator_client, operator, other_tenant, root):
    revoked = make_revoked(other_tenant, root)

    assert operator_client.post(restore_of(revoked)).status_code == 404
    assert "tenant" in operator_client.post(REVOKE, typed(other_tenant)).context["form"].errors


def test_restoring_twice_says_so(root_client, tenant, root):
    revoked = make_revoked(tenant, root)
    root_client.post(restore_of(revoked))

    assert "already" in texts(root_client.post(restore_of(revoked), follow=True))
