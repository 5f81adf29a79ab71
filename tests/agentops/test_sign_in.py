"""Sign-in to the console closes after some failures: for whom, where from, for how long, and what people read."""

import logging
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from axes.models import AccessAttempt, AccessLog
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import models
from django.test import AsyncClient, Client
from django.urls import reverse
from django.utils import timezone

pytestmark = pytest.mark.django_db

HOME, AWAY = "192.0.2.1", "198.51.100.7"
LIMIT = 5
RIGHT = "the right one"
WRONG = "a wrong one"


@pytest.fixture(autouse=True)
def _people(db):
    for name in ("anna", "bert"):
        get_user_model().objects.create_superuser(name, password=RIGHT)


def sign_in(name, password, address=HOME, client=None, **headers):
    data = {"username": name, "password": password, "next": "/admin/"}
    return (client or Client()).post(reverse("admin:login"), data, REMOTE_ADDR=address, **headers)


def guess(name, times=LIMIT, address=AWAY):
    """Guess so many times from one address; a format with a number in it makes it many."""
    return [sign_in(name, WRONG, address.format(number)).status_code for number in range(times)]


def later(**by):
    """Let time pass, as far as the throttle can see."""
    for attempt in AccessAttempt.objects.all():
        AccessAttempt.objects.filter(pk=attempt.pk).update(attempt_time=attempt.attempt_time - timedelta(**by))


def test_after_five_failures_the_right_password_is_refused_and_others_sign_in():
    assert guess("anna") == [200, 200, 200, 200, 429]

    assert sign_in("anna", RIGHT, AWAY).status_code == 429
    assert sign_in("bert", RIGHT, AWAY).status_code == 302


def test_the_refusal_says_what_happened_and_when_to_try_again():
    guess("anna")
    answer = sign_in("anna", RIGHT, AWAY)
    text = answer.content.decode()

    assert "Too many failed sign-ins" in text and "agentops" in text
    assert f"Sign-in with this username failed {LIMIT} times" in text and "UTC" in text
    assert "Try again in 15 minutes" in text and "manage.py axes_reset_username" in text
    assert "anna" not in text and RIGHT not in text
    assert 800 < int(answer["Retry-After"]) <= 900
    assert "no-store" in answer["Cache-Control"] and "Content-Security-Policy" in answer
    assert [header for header in answer.headers if header.startswith("Access-Control")] == []


def test_an_asynchronous_server_refuses_alike():
    post = async_to_sync(AsyncClient().post)
    data = {"username": "anna", "password": WRONG}
    codes = [post("/admin/login/", data).status_code for _ in range(LIMIT)]

    assert codes == [200, 200, 200, 200, 429]
    refused = post("/admin/login/", data | {"password": RIGHT})
    assert refused.status_code == 429 and "Try again in 15 minutes" in refused.content.decode()


def test_it_opens_by_itself_even_if_somebody_goes_on_guessing():
    guess("anna")
    later(minutes=8)
    assert guess("anna", 20) == [429] * 20
    assert "Try again in 7 minutes" in sign_in("anna", RIGHT, AWAY).content.decode()
    later(minutes=7)

    assert sign_in("anna", RIGHT, AWAY).status_code == 302


def test_an_administrator_opens_it_at_once():
    guess("anna")
    call_command("axes_reset_username", "anna")

    assert sign_in("anna", RIGHT, AWAY).status_code == 302


def test_many_addresses_share_one_count():
    assert guess("anna", LIMIT, "198.51.100.{}") == [200, 200, 200, 200, 429]

    assert sign_in("anna", RIGHT, "203.0.113.9").status_code == 429


def test_a_guesser_elsewhere_does_not_lock_a_person_out_where_they_have_signed_in_before():
    assert sign_in("anna", RIGHT, HOME).status_code == 302
    guess("anna", 30, "198.51.100.{}")

    assert sign_in("anna", WRONG, HOME).status_code == 200
    assert sign_in("anna", RIGHT, HOME).status_code == 302
    assert sign_in("anna", RIGHT, AWAY).status_code == 429  # her success sets no guesser free
    assert guess("anna", LIMIT, HOME) == [200, 200, 200, 200, 429]
    assert sign_in("bert", RIGHT, HOME).status_code == 302


def test_a_success_forgets_the_failures_before_it():
    for _ in range(3):
        assert guess("anna", LIMIT - 1, HOME) == [200] * (LIMIT - 1)
        assert sign_in("anna", RIGHT, HOME).status_code == 302


def test_a_name_that_nobody_has_is_refused_alike():
    assert guess("carl") == [200, 200, 200, 200, 429]
    assert guess("dora", 1) == [200]


def test_changing_the_browser_or_a_forwarding_header_does_not_help():
    codes = [
        sign_in("anna", WRONG, AWAY, HTTP_USER_AGENT=f"browser {number}", HTTP_X_FORWARDED_FOR=f"10.0.0.{number}")
        for number in range(LIMIT)
    ]

    assert codes[-1].status_code == 429


@pytest.mark.parametrize("address", ["", "unknown", "fe80::1%eth0", "192.0.2.1:5000", "::ffff:192.0.2.1"])
def test_an_address_that_a_server_cannot_name_is_counted_too(address):
    assert guess("anna", LIMIT, address)[-1] == 429


def test_nothing_that_was_typed_is_kept_but_names_of_people(caplog):
    typed = "hunter2-typed-into-the-wrong-field"
    with caplog.at_level(logging.DEBUG):
        client = Client(enforce_csrf_checks=True)
        client.get("/admin/login/")
        token = client.cookies["csrftoken"].value
        for name in (typed, "anna"):
            data = {"username": name, "password": WRONG, "csrfmiddlewaretoken": token, "next": f"/admin/?{typed}"}
            assert client.post("/admin/login/", data).status_code == 200
        data = {"username": "anna", "password": RIGHT, "csrfmiddlewaretoken": token}
        assert client.post("/admin/login/", data).status_code == 302

    sign_in(typed, WRONG)
    sign_in("bert", WRONG)
    rows = [row for kind in (AccessAttempt, AccessLog) for row in kind.objects.values()]
    kept = f"{rows} {[record.getMessage() for record in caplog.records if record.name.startswith('axes')]}"
    assert len(rows) >= 3 and "bert" in kept
    assert [secret for secret in (typed, RIGHT, WRONG, token) if secret in kept] == []


def test_failures_of_the_past_are_deleted():
    guess("carl", 3, "198.51.100.{}")
    later(minutes=16)
    guess("anna", 1)

    assert AccessAttempt.objects.aggregate(n=models.Count("pk"))["n"] == 1
    assert AccessAttempt.objects.filter(attempt_time__gt=timezone.now() - timedelta(minutes=1)).exists()


def test_the_console_has_no_page_of_what_was_typed(client):
    client.force_login(get_user_model().objects.get(username="anna"))

    assert client.get("/admin/axes/").status_code == 404
    assert "/admin/axes/" not in client.get("/admin/").content.decode()
