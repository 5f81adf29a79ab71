"""Lists take no filter and no order by what they do not show: every page, every column, every lookup."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.db.models import Field, ForeignObjectRel
from django.urls import reverse
from django.utils import timezone

from deadletters.models import DeadLetter, LetterGroup
from runs.admin.kit.lists import ShownOnlyAdmin
from tests.runs.admin.conftest import signed_in
from tests.runs.admin.rows import make_failed, make_group, make_user

pytestmark = pytest.mark.django_db

PAGES = list(admin.site._registry.values())
NAMES = [page.opts.label_lower for page in PAGES]


def offered(page: Any) -> set[str]:
    """The columns that a list's filters are for."""
    names = [one[0] if isinstance(one, tuple | list) else one for one in page.list_filter]
    return {str(getattr(name, "parameter_name", name)) for name in names} | set(getattr(page, "linked_by", ()))


def paths(model: Any, *, deep: bool = True) -> Iterator[tuple[str, Any]]:
    """Every column of a model, and every column of those that it refers to or that refer to it."""
    for field in model._meta.get_fields():
        name = (
            field.get_accessor_name() if isinstance(field, ForeignObjectRel) and not field.related_name else field.name
        )
        yield field.name if not isinstance(field, ForeignObjectRel) else (field.related_query_name or name), field
        if deep and field.is_relation and field.related_model:
            for inner, its in paths(field.related_model, deep=False):
                yield f"{field.name}__{inner}", its


@pytest.fixture(params=["viewer", "writer"])
def client(request, tenant):
    """Staff of one tenant, who may look at every page; or do everything that permissions allow."""
    user = make_user("vera", tenant=tenant)
    kinds = (
        Permission.objects.all()
        if request.param == "writer"
        else Permission.objects.filter(codename__startswith="view_")
    )
    user.user_permissions.set(kinds)
    return signed_in(user)


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_no_lookup_is_allowed_that_the_list_does_not_offer(page, rf, root):
    request = rf.get("/")
    request.user = root
    shown = offered(page)

    for path, field in paths(page.model):
        lookups = field.get_lookups() if isinstance(field, Field) else ["exact", "isnull"]
        for lookup in ["", *lookups]:
            name = f"{path}__{lookup}" if lookup else path
            if page.lookup_allowed(name, "a", request):
                assert any(path in (one, f"{one}__id") for one in shown), name


def test_a_filter_on_a_hidden_column_is_400(client):
    taken = []
    for page in PAGES:
        address = reverse(f"admin:{page.opts.app_label}_{page.opts.model_name}_changelist")
        hidden = {path for path, _ in paths(page.model, deep=False)} - offered(page)
        probes = [name + suffix for name in hidden for suffix in ("", "__gt", "__startswith")]
        taken += [(address, probe) for probe in probes if client.get(address, {probe: "1"}).status_code != 400]

    assert taken == []


def test_every_page_of_every_app_is_of_this_kind():
    assert [name for name, page in zip(NAMES, PAGES, strict=True) if not isinstance(page, ShownOnlyAdmin)] == []
    assert len(PAGES) >= 25 and apps.is_installed("agentops.examples.support_desk")


@pytest.mark.parametrize(
    "probe", ["note__startswith", "count__gt", "assignee", "tenant__slug__startswith", "step_count__gt"]
)
def test_hidden_words_cannot_be_read_letter_by_letter(operator_client, filled, probe):
    for name in ("deadletters_lettergroup", "runs_run"):
        assert operator_client.get(reverse(f"admin:{name}_changelist"), {probe: "1"}).status_code == 400


def test_offered_filters_filter(operator_client, filled):
    address = reverse("admin:runs_run_changelist")
    tenant = filled["tenant"].pk

    for query in (
        {"status__exact": "failed"},
        {"tenant__id__exact": tenant},
        {"created_at__gte": "2020-01-01 00:00:00+00:00"},
    ):
        assert operator_client.get(address, query).status_code == 200


def test_the_order_of_causes_tells_nothing_of_other_tenants(operator_client, tenant, other_tenant, root):
    """The older of two own causes was met by another tenant just now, and is assigned; it stays the older one."""
    made = []
    for hours, message in ((2, "older"), (1, "newer")):
        letter = make_failed(tenant, root, message)
        DeadLetter.objects.filter(pk=letter.pk).update(failed_at=timezone.now() - timedelta(hours=hours))
        made.append(letter)
    older = make_group("older")
    DeadLetter.objects.filter(pk=made[1].pk).update(group=None)
    newer = LetterGroup.objects.create(
        fingerprint="v1-other", job_type="console_agent", error_class="E", message="newer", first_seen=timezone.now(),
        last_seen=made[1].failed_at, count=1,
    )  # fmt: skip
    DeadLetter.objects.filter(pk=made[1].pk).update(group=newer)
    foreign = make_failed(other_tenant, root)
    DeadLetter.objects.filter(pk=foreign.pk).update(group=older)
    LetterGroup.objects.filter(pk=older.pk).update(
        last_seen=timezone.now(), first_seen=timezone.now() - timedelta(days=9), assignee=root
    )
    address = reverse("admin:deadletters_lettergroup_changelist")
    columns = ["action_checkbox", *admin.site._registry[LetterGroup].list_display]

    def order(**query: str) -> list[Any]:
        return [group.message for group in operator_client.get(address, query).context["cl"].result_list]

    assert order() == ["newer", "older"]
    by_assignee = columns.index("looked_after_by")
    assert order(o=str(by_assignee)) == order(o=f"-{by_assignee}") == ["newer", "older"]
