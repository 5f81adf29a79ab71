"""Circuit breakers in the console: who sees them, and who may close one."""

import pytest
from django.urls import reverse

from runs import clock
from runs.models import CircuitBreaker

LIST = "/admin/runs/circuitbreaker/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def open_breaker():
    return CircuitBreaker.objects.create(
        provider="anthropic",
        model="claude-sonnet-5-5",
        open_reason="rate",
        opened_at=clock.now(),
        open_until=clock.in_seconds(600),
        reason="RateLimitError: <img src=x>",
        times_opened=2,
    )


def close_it(client, breaker):
    return client.post(LIST, {"action": "close_selected", "_selected_action": [breaker.pk]}, follow=True)


def test_an_open_circuit_is_listed_with_its_reason_as_text(root_client, open_breaker):
    page = root_client.get(LIST).content.decode()

    assert "claude-sonnet-5-5" in page and "open" in page
    assert "&lt;img src=x&gt;" in page and "<img src=x>" not in page
    assert root_client.get(reverse("admin:runs_circuitbreaker_change", args=[open_breaker.pk])).status_code == 200


def test_an_operator_closes_it_by_hand(root_client, open_breaker):
    page = close_it(root_client, open_breaker).content.decode()

    open_breaker.refresh_from_db()
    assert "Closed: 1" in page and open_breaker.open_until is None and open_breaker.times_opened == 0
    assert "Closed: 0" in close_it(root_client, open_breaker).content.decode()


def test_a_viewer_cannot_close_it(client, django_user_model, open_breaker):
    from django.contrib.auth.models import Permission

    user = django_user_model.objects.create_user("viewer", password="x", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_circuitbreaker"))
    client.force_login(user)

    close_it(client, open_breaker)

    open_breaker.refresh_from_db()
    assert client.get(LIST).status_code == 200 and open_breaker.open_until is not None
