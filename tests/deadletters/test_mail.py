"""Mails about failures: to those who deal with them, once a cause and ten minutes, and never in the way of a run."""

from datetime import timedelta

import pytest
from django.core import mail
from django.urls import reverse

from deadletters.models import DeadLetter
from deadletters.verbs.group import ignore, resolve
from runs.models import Membership, Role
from runs.operations.accounts import make_member, make_tenant
from tests.deadletters.letters import fail, the_group
from tests.testapp.agents import FAIL

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


@pytest.fixture
def member(tenant):
    """Make a member with an address."""

    def member(name, role=Role.OPERATOR, slug=tenant.slug, address=None):
        one = make_tenant(slug)
        user = make_member(one, name)
        Membership.objects.filter(user=user, tenant=one).update(role=role)
        user.email = f"{name}@{slug}.example" if address is None else address
        user.save()
        return user

    return member


@pytest.fixture
def told(django_capture_on_commit_callbacks):
    """Capture a failure, let it commit, and return the mails it raised."""

    def told(*args, **known):
        mail.outbox.clear()
        with django_capture_on_commit_callbacks(execute=True):
            fail(*args, **known)
        return list(mail.outbox)

    return told


def test_a_failure_is_mailed_to_the_operators_and_admins_of_its_tenant(member, told, settings):
    settings.AGENTOPS = {**settings.AGENTOPS, "site_url": "https://agents.example.com/"}
    member("olga")
    member("adam", Role.ADMIN)
    member("vera", Role.VIEWER)
    member("mute", address="")
    member("gone").delete()
    member("else", slug="globex")

    (letter_mail,) = told()

    letter = DeadLetter.objects.get()
    page = reverse("admin:deadletters_deadletter_change", args=[letter.pk])
    assert sorted(letter_mail.to) == ["adam@acme.example", "olga@acme.example"]
    assert letter_mail.subject == "[agentops] refund failed: LookupError"
    assert f"https://agents.example.com{page}" in letter_mail.body
    assert str(letter.run_id) in letter_mail.body and letter.fingerprint in letter_mail.body


def test_a_user_who_was_disabled_is_told_nothing(member, told):
    olga = member("olga")
    olga.is_active = False
    olga.save()

    assert told() == []


def test_a_cause_is_mailed_once_in_ten_minutes_and_then_says_how_many_came_since(member, told):
    member("olga")

    assert len(told()) == 1
    assert told(after=MINUTE) == told(after=9 * MINUTE) == []
    (later,) = told(after=10 * MINUTE)

    assert "2 more of your runs" in later.body
    assert len(told("another cause", after=10 * MINUTE)) == 1


def test_each_tenant_is_told_of_its_own(member, told):
    member("olga")
    member("else", slug="globex")

    assert [one.to for one in told()] == [["olga@acme.example"]]
    (other,) = told(tenant="globex", after=MINUTE)
    assert other.to == ["else@globex.example"] and "more of your runs" not in other.body


def test_an_ignored_cause_raises_no_mail_and_a_regressed_one_says_so(member, told):
    boss = member("boss", Role.ADMIN)
    told()
    ignore(the_group(), user=boss, above_per_hour=100)
    assert told(after=60 * MINUTE) == []

    the_group().events.all().delete()
    the_group().__class__.objects.update(state="open")
    resolve(the_group(), user=boss)
    (again,) = told(after=120 * MINUTE)

    assert "failed again" in again.subject


def test_mails_can_be_switched_off(member, told, settings):
    member("olga")
    settings.AGENTOPS = {**settings.AGENTOPS, "mail_dead_letters": False}

    assert told() == []


def test_a_line_break_in_a_name_does_not_break_the_header(member, told):
    member("olga")

    (one,) = told(error_class="Bad\nSubject: x")

    assert "\n" not in one.subject


def away(backend, messages):
    raise OSError("connection refused")


@pytest.mark.django_db(transaction=True)
def test_a_mail_server_that_is_away_fails_no_run(member, post, work, monkeypatch, caplog):
    member("olga")
    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", away)
    FAIL["square-2"] = [ValueError("two is out of order")]
    run = post("squares", input={"upto": 3})
    work()

    run.refresh_from_db()
    assert run.status == "failed" and DeadLetter.objects.get().run_id == run.pk
    assert "no mail could be sent" in caplog.text
