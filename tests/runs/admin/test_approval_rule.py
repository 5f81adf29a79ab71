"""Rules: granted within bounds, shown with what they have approved, revoked at once."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from runs.models import ApprovalRule
from tests.runs.admin.actions.pages import text_of, texts
from tests.runs.admin.approval_rows import make_rule
from tests.runs.admin.conftest import OPERATOR, signed_in
from tests.runs.admin.rows import HOSTILE, make_user, make_waiting

pytestmark = pytest.mark.django_db
LIST, GRANT = "/admin/runs/approvalrule/", reverse("admin:runs_approvalrule_grant")


def typed(tenant, **changes):
    tomorrow = f"{timezone.now() + timedelta(days=1):%Y-%m-%dT%H:%M}"
    said = {"tenant": tenant.pk, "tool": "console_refund", "reason": "Small ones are fine.", "expires_at": tomorrow}
    return said | {"max_uses": "10", "max_usd": "20", "max_total_usd": "", "job_type": "", "arguments": ""} | changes


def page_of(rule, what="change"):
    return reverse(f"admin:runs_approvalrule_{what}", args=[rule.pk])


def test_one_is_granted_within_its_bounds(operator_client, operator, tenant):
    answer = operator_client.post(GRANT, typed(tenant, arguments='{"order_id": "7"}'), follow=True)

    rule = ApprovalRule.objects.get()
    assert "Granted: console_refund, at most 10 calls" in texts(answer)
    assert (rule.granted_by, rule.tenant, rule.max_usd, rule.max_total_usd) == (operator, tenant, 20, None)
    assert rule.arguments == {"order_id": "7"} and rule.max_uses == 10


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [("tool", "nobody_knows", "declares"), ("tool", "crawl", "low risk"), ("expires_at", "2020-01-01T00:00", "future"),
     ("expires_at", "2999-01-01T00:00", "days away"), ("max_uses", "0", "greater"), ("max_uses", "", "required"),
     ("max_usd", "0", "above 0"), ("reason", " ", "required"), ("arguments", "[1]", "object"),
     ("arguments", "{", "not JSON"), ("tenant", "", "required")],
)  # fmt: skip
def test_what_does_not_fit_is_said_at_its_field_and_stays_as_typed(operator_client, tenant, field, value, says):
    page = operator_client.post(GRANT, typed(tenant) | {field: value})

    form = page.context["form"]
    assert list(form.errors) == [field] and says in form.errors[field][0] and form[field].value() == value
    assert not ApprovalRule.objects.exists()


def test_looking_at_the_form_grants_nothing_and_names_tools_that_may_have_one(operator_client, operator):
    page = text_of(operator_client, GRANT, {"tool": "console_refund", "max_uses": "1"})

    assert '<option value="console_refund">' in page and 'value="crawl"' not in page
    assert not ApprovalRule.objects.exists()


@pytest.mark.parametrize(("role", "count"), [("viewer", 0), ("operator", 0), ("approver", 1), ("admin", 1)])
def test_only_deciders_grant(tenant, role, count):
    signed_in(make_user("somebody", tenant=tenant, role=role, perms=OPERATOR)).post(GRANT, typed(tenant))

    assert ApprovalRule.objects.count() == count


def test_nobody_grants_in_another_tenant_or_without_the_permission(
    operator_client, reader_client, tenant, other_tenant
):
    operator_client.post(GRANT, typed(other_tenant))

    assert reader_client.post(GRANT, typed(tenant)).status_code == reader_client.get(GRANT).status_code == 403
    assert "Grant a rule" not in text_of(reader_client, LIST) and not ApprovalRule.objects.exists()


def test_it_is_shown_with_its_uses_and_hostile_words_as_text(operator_client, tenant, root):
    rule = make_rule(tenant, root)
    used = make_waiting(tenant, amount=5.0, rule=rule, status="approved", decided_at=timezone.now())

    page = operator_client.get(page_of(rule)).content.decode()

    for shown in ("3 of 20", "up to $20.00", "$41.50 of $200.00", str(used.pk), "&lt;img src=x"):
        assert shown in page
    assert HOSTILE not in page and "3 of 20" in text_of(operator_client, LIST)


@pytest.mark.parametrize(
    ("columns", "state"),
    [({}, "holds"), ({"uses": 20}, "used up"), ({"revoked_at": timezone.now()}, "revoked"),
     ({"expires_at": timezone.now()}, "expired")],
)  # fmt: skip
def test_it_says_whether_it_still_approves_anything(operator_client, tenant, root, columns, state):
    make_rule(tenant, root, **columns)

    assert f"</span>{state}</span>" in text_of(operator_client, LIST)


def test_it_is_revoked_by_post_and_by_a_decider_only(operator_client, operator, tenant, root):
    rule = make_rule(tenant, root)
    viewer = signed_in(make_user("vera", tenant=tenant, role="viewer", perms=OPERATOR))

    assert operator_client.get(page_of(rule, "revoke")).status_code == 405
    assert viewer.post(page_of(rule, "revoke"), {"confirmed": "yes"}).status_code == 403
    assert ApprovalRule.objects.get().revoked_at is None
    assert "stays revoked" in operator_client.post(page_of(rule, "revoke")).content.decode()
    assert ApprovalRule.objects.get().revoked_at is None, "it asks first"
    operator_client.post(page_of(rule, "revoke"), {"confirmed": "yes"})
    assert ApprovalRule.objects.get().revoked_by == operator


def test_another_tenants_do_not_exist(operator_client, other_tenant, root):
    rule = make_rule(other_tenant, root)

    assert operator_client.get(page_of(rule)).status_code == 404
    assert operator_client.post(page_of(rule, "revoke")).status_code == 404
    assert operator_client.get(LIST).context["cl"].result_count == 0
