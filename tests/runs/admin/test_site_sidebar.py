"""The numbers beside pending actions and causes: of the user's tenants, hidden at none, read once in a while."""

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deadletters.models import GroupState, LetterGroup
from tests.runs.admin.rows import make_failed, make_waiting

pytestmark = pytest.mark.django_db


def badge_of(client, name="PendingAction"):
    models = [model for app in client.get("/admin/").context["available_apps"] for model in app["models"]]
    return next(model["badge"] for model in models if model["object_name"] == name)


def cause_of(tenant, user, state):
    """A letter of this tenant, and the group of its cause."""
    letter = make_failed(tenant, user)
    now = letter.failed_at
    letter.group = LetterGroup.objects.create(
        fingerprint=str(letter.pk), job_type="console_agent", error_class="UnknownPriceError", first_seen=now,
        last_seen=now, count=1, state=state,
    )  # fmt: skip
    letter.save()


def test_it_counts_the_open_ones_of_the_users_tenants(operator_client, root_client, tenant, other_tenant):
    assert badge_of(operator_client) == ""
    cache.clear()
    make_waiting(tenant), make_waiting(tenant, "question"), make_waiting(other_tenant)

    assert (badge_of(operator_client), badge_of(root_client)) == ("2", "3")
    assert '<span class="count">2<' in operator_client.get("/admin/").content.decode()


def test_it_is_read_once_in_a_few_seconds(operator_client, tenant, django_assert_num_queries):
    make_waiting(tenant)
    badge_of(operator_client)

    with django_assert_num_queries(4):  # session, user, permissions (2)
        badge_of(operator_client)


def test_both_numbers_are_one_query(operator_client, tenant):
    badge_of(operator_client)
    cache.clear()

    with CaptureQueriesContext(connection) as seen:
        badge_of(operator_client)

    assert len(seen) == 5  # session, user, permissions (2), numbers


def test_it_counts_the_causes_that_nobody_has_dealt_with(operator_client, root_client, operator, tenant, other_tenant):
    assert badge_of(operator_client, "LetterGroup") == ""
    cause_of(tenant, operator, GroupState.OPEN), cause_of(tenant, operator, GroupState.REGRESSED)
    cause_of(tenant, operator, GroupState.RESOLVED), cause_of(other_tenant, operator, GroupState.OPEN)
    cache.clear()

    assert [badge_of(client, "LetterGroup") for client in (operator_client, root_client)] == ["2", "3"]
    assert badge_of(operator_client, "DeadLetter") == ""


def test_many_are_not_counted_to_the_end(operator_client, tenant, monkeypatch):
    monkeypatch.setattr("runs.admin.site.SHOWN_MAX", 2)
    for _ in range(4):
        make_waiting(tenant)

    assert badge_of(operator_client) == "2+"
