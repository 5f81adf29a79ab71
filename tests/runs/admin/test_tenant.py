import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse

from runs.models import ApiToken, Membership, Tenant, issue_token
from tests.runs.admin.rows import make_user

pytestmark = pytest.mark.django_db

PERMS = ("runs.view_membership", "runs.change_membership", "runs.add_membership", "auth.view_user")


def test_a_superuser_adds_a_tenant_and_a_member(root_client, root):
    root_client.post(reverse("admin:runs_tenant_add"), {"slug": "new", "name": "New", "is_active": "on"})
    tenant = Tenant.objects.get(slug="new")

    root_client.post(reverse("admin:runs_membership_add"), {"user": root.pk, "tenant": tenant.pk, "role": "viewer"})

    assert Membership.objects.get().role == "viewer"


def test_the_slug_of_a_tenant_stays(root_client, tenant):
    root_client.post(reverse("admin:runs_tenant_change", args=[tenant.pk]), {"slug": "other", "name": "Acme"})

    tenant.refresh_from_db()
    assert (tenant.slug, tenant.name, tenant.is_active) == ("acme", "Acme", False)


@pytest.mark.parametrize(("role", "wanted"), [("admin", "operator"), ("operator", "viewer")])
def test_only_an_admin_of_the_tenant_changes_its_roles(client, tenant, role, wanted):
    member = Membership.objects.create(user=get_user_model().objects.create_user("m"), tenant=tenant)
    client.force_login(make_user("boss", tenant=tenant, role=role, perms=PERMS))
    form = {"user": member.user_id, "tenant": tenant.pk, "role": "operator"}

    client.post(reverse("admin:runs_membership_change", args=[member.pk]), form)

    assert Membership.objects.get(pk=member.pk).role == wanted


def test_nobody_joins_a_tenant_that_is_not_theirs(client, tenant, other_tenant):
    boss = make_user("boss", tenant=tenant, perms=PERMS)
    client.force_login(boss)

    client.post(reverse("admin:runs_membership_add"), {"user": boss.pk, "tenant": other_tenant.pk, "role": "admin"})

    assert not Membership.objects.filter(tenant=other_tenant).exists()
    assert client.get(reverse("admin:runs_tenant_change", args=[other_tenant.pk])).status_code in (403, 404)


def test_revoking_needs_the_permission_and_reaches_only_own_tenants(client, tenant, other_tenant, root):
    own, _ = issue_token(tenant=tenant, user=root, scopes=[])
    other, _ = issue_token(tenant=other_tenant, user=root, scopes=[])
    chosen = {"action": "revoke", "_selected_action": [own.pk, other.pk]}
    address = reverse("admin:runs_apitoken_changelist")

    client.force_login(make_user("rita", tenant=tenant, perms=("runs.view_apitoken",)))
    client.post(address, chosen)
    assert not ApiToken.objects.filter(revoked_at__isnull=False).exists()

    client.force_login(make_user("ada", tenant=tenant, perms=("runs.view_apitoken", "runs.change_apitoken")))
    asked = client.post(address, chosen)
    assert not ApiToken.objects.filter(revoked_at__isnull=False).exists(), "it asks first"
    assert "never works again" in asked.content.decode() and other.prefix not in asked.content.decode()
    client.post(address, chosen | {"confirmed": "yes"})
    assert list(ApiToken.objects.filter(revoked_at__isnull=False)) == [own]


def test_a_membership_is_of_a_tenant_even_if_a_superuser_gives_it(root_client, root):
    page = root_client.post("/admin/runs/membership/add/", {"user": root.pk, "tenant": "", "role": "viewer"})

    assert page.status_code == 200
    assert page.context["adminform"].form.errors["tenant"] == ["This field is required."]
