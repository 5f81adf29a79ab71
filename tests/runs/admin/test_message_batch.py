"""Message batches in the console: how far they are, and of their runs those that one may see."""

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from runs.models import MessageBatch, ModelCall
from tests.runs.admin.limit_rows import call_in, make_batch
from tests.runs.admin.rows import make_run, make_user

LIST = "/admin/runs/messagebatch/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def batch(tenant, root):
    return make_batch(make_run(tenant, root))


def page_of(client, batch):
    return client.get(reverse("admin:runs_messagebatch_change", args=[batch.pk]))


def test_a_batch_is_listed_with_its_state_counts_and_last_trouble(root_client, batch):
    page = root_client.get(LIST).content.decode()

    assert "msgbatch_1" in page and "in progress" in page
    assert "&lt;b&gt;away" in page and "<b>away" not in page


def test_requests_are_counted_by_how_they_ended_in_one_place(root_client, batch):
    assert "0 of 2 ended" in root_client.get(LIST).content.decode()
    MessageBatch.objects.update(succeeded=1, lost=1)

    for page in (root_client.get(LIST), page_of(root_client, batch)):
        assert "2 of 2 ended: 1 succeeded, 1 lost" in page.content.decode()


def test_what_has_not_happened_yet_is_not_called_never(root_client, batch):
    assert "never" not in page_of(root_client, batch).content.decode()


def test_its_page_links_the_runs_that_wait_for_it(root_client, batch):
    run = ModelCall.objects.get(batched__batch=batch).run

    assert reverse("admin:runs_run_change", args=[run.pk]) in page_of(root_client, batch).content.decode()


def test_of_a_shared_batch_one_sees_the_runs_of_ones_own_tenants(client, batch, root, other_tenant):
    own = make_run(other_tenant, root)
    foreign = ModelCall.objects.get(batched__batch=batch).run
    call_in(batch, own)
    person = make_user("else", tenant=other_tenant)
    person.user_permissions.add(Permission.objects.get(codename="view_messagebatch"))
    client.force_login(person)

    page = page_of(client, batch).content.decode()

    assert str(own.pk) in page and str(foreign.pk) not in page
    assert client.get(LIST).content.decode().count("msgbatch_1") >= 1


def test_a_batch_of_other_tenants_is_not_there(client, batch, other_tenant):
    person = make_user("else", tenant=other_tenant)
    person.user_permissions.add(Permission.objects.get(codename="view_messagebatch"))
    client.force_login(person)

    assert page_of(client, batch).status_code == 404
