"""Gates in the console: seen by whoever may see, opened by whoever may open."""

import pytest
from django.urls import reverse

from runs import clock
from runs.models import Gate

LIST = "/admin/runs/gate/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def shut():
    return Gate.objects.create(
        provider="anthropic",
        model="claude-sonnet-5-5",
        shut_by="rate",
        shut_at=clock.now(),
        shut_until=clock.in_seconds(600),
        reason="RateLimitError: <img src=x>",
        times_shut=2,
    )


def open_it(client, gate):
    return client.post(LIST, {"action": "open_selected", "_selected_action": [gate.pk]}, follow=True)


def test_a_shut_gate_is_listed_with_its_reason_as_text(root_client, shut):
    page = root_client.get(LIST).content.decode()

    assert "claude-sonnet-5-5" in page and "shut" in page
    assert "&lt;img src=x&gt;" in page and "<img src=x>" not in page
    assert root_client.get(reverse("admin:runs_gate_change", args=[shut.pk])).status_code == 200


def test_an_operator_opens_it_by_hand(root_client, shut):
    page = open_it(root_client, shut).content.decode()

    shut.refresh_from_db()
    assert "Opened: 1" in page and shut.shut_until is None and shut.times_shut == 0
    assert "Opened: 0" in open_it(root_client, shut).content.decode()


def test_whoever_may_only_look_cannot_open_it(client, django_user_model, shut):
    from django.contrib.auth.models import Permission

    user = django_user_model.objects.create_user("viewer", password="x", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_gate"))
    client.force_login(user)

    open_it(client, shut)

    shut.refresh_from_db()
    assert client.get(LIST).status_code == 200 and shut.shut_until is not None
