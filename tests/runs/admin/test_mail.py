"""Mails in the console: read by the tenant's people, sent again by those who may."""

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from runs import clock
from runs.models import Mail, post_mail
from tests.runs.admin.rows import HOSTILE, make_run, make_user

LIST = "/admin/runs/mail/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def given_up(tenant, root):
    post_mail(["olga@acme.example"], "Failed", f"It did. {HOSTILE}", run=make_run(tenant, root))
    Mail.objects.update(next_try_at=None, given_up_at=clock.now(), tries=5, error="OSError: connection refused")
    return Mail.objects.get()


def retry_mail(client, mail):
    return client.post(LIST, {"action": "send_selected_again", "_selected_action": [mail.pk]}, follow=True)


def may(user, *codenames):
    user.user_permissions.add(*Permission.objects.filter(codename__in=codenames))
    return user


def test_a_mail_is_shown_with_its_state_error_and_text(root_client, given_up):
    listed = root_client.get(LIST, {"state": "given_up"}).content.decode()
    page = root_client.get(reverse("admin:runs_mail_change", args=[given_up.pk])).content.decode()

    assert "olga@acme.example" in listed and "given up" in listed and "connection refused" in listed
    assert "It did. &lt;img src=x" in page and "<img src=x" not in page
    assert "olga@acme.example" not in root_client.get(LIST, {"state": "waiting"}).content.decode()


def test_another_tenants_mails_and_those_of_no_run_are_not_there(client, given_up, other_tenant):
    post_mail(["root@acme.example"], "Of no run", "")
    client.force_login(may(make_user("else", tenant=other_tenant), "view_mail"))

    assert "0 mails" in client.get(LIST).content.decode()
    assert client.get(reverse("admin:runs_mail_change", args=[given_up.pk])).status_code == 404


def test_an_operator_sends_again_what_was_given_up(client, operator, given_up, caplog):
    client.force_login(may(operator, "view_mail", "change_mail"))

    page = retry_mail(client, given_up).content.decode()

    given_up.refresh_from_db()
    assert "Sent again with the next sweep: 1." in page
    assert (given_up.state, given_up.tries) == ("waiting", 0)
    assert f"mail {given_up.pk} is sent again, says olga" in caplog.text
    assert "next sweep: 0." in retry_mail(client, given_up).content.decode()


def test_neither_the_permission_nor_the_role_alone_suffices(client, operator, reader, given_up):
    client.force_login(may(operator, "view_mail"))
    retry_mail(client, given_up)
    client.force_login(may(reader, "view_mail", "change_mail"))
    page = retry_mail(client, given_up).content.decode()

    given_up.refresh_from_db()
    assert given_up.state == "given up" and "Not sent again: 1." in page
