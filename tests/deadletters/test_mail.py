"""Mails about failures: to those who deal with them, once a cause and ten minutes, and never in the way of a run."""

from datetime import timedelta
from functools import partial

import pytest
from django.core import mail
from django.db import transaction
from django.urls import reverse

from deadletters.group_decisions import ignore, reopen, resolve
from deadletters.mail import mail_digests
from deadletters.models import DeadLetter
from runs.maintenance.reconcile import reconcile
from runs.maintenance.send_mail import send_mail
from runs.models import Mail, Membership, Role
from runs.operations.accounts import make_member, make_tenant
from tests.at_once import at_once
from tests.deadletters.letters import NOON, fail, the_group
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
def told():
    """Capture a failure, send what waits, and return the mails it raised."""

    def told(*args, **known):
        mail.outbox.clear()
        fail(*args, **known)
        send_mail()
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


@pytest.fixture
def swept():
    """Mail what is due so long after noon, and return the mails."""

    def swept(after):
        mail.outbox.clear()
        mail_digests(NOON + after)
        send_mail()
        return list(mail.outbox)

    return swept


def test_what_came_after_the_mail_is_mailed_as_one_once_the_pause_is_over(member, told, swept):
    member("olga")
    told()
    told(after=MINUTE), told(after=2 * MINUTE), told(after=3 * MINUTE)

    assert swept(10 * MINUTE - timedelta(seconds=1)) == []
    (digest,) = swept(10 * MINUTE)

    newest = DeadLetter.objects.order_by("failed_at").last()
    assert digest.subject == "[agentops] refund failed 3 more times: LookupError"
    assert "since the mail of 2026-11-25 12:00:00 UTC" in digest.body and str(newest.run_id) in digest.body
    assert swept(10 * MINUTE) == swept(60 * MINUTE) == []


def test_a_cause_that_came_once_raises_no_second_mail(member, told, swept):
    member("olga")
    told()

    assert swept(60 * MINUTE) == []


def test_the_mail_of_what_came_since_begins_another_pause(member, told, swept):
    member("olga")
    told(), told(after=MINUTE)
    assert len(swept(10 * MINUTE)) == 1

    assert told(after=11 * MINUTE) == swept(19 * MINUTE) == []
    (second,) = swept(20 * MINUTE)
    assert "failed 1 more time:" in second.subject


def test_what_a_later_mail_has_counted_is_not_mailed_again(member, told, swept):
    member("olga")
    told(), told(after=MINUTE)
    (later,) = told(after=12 * MINUTE)

    assert "1 more of your runs" in later.body
    assert swept(60 * MINUTE) == []


def test_each_tenant_is_told_how_many_of_its_own_came_since(member, told, swept):
    member("olga"), member("else", slug="globex")
    for tenant in ("acme", "globex", "globex", "globex"):
        told(tenant=tenant)

    (digest,) = swept(10 * MINUTE)

    assert digest.to == ["else@globex.example"] and "failed 2 more times" in digest.subject


@pytest.mark.parametrize("decide", [partial(ignore, above_per_hour=100), resolve])
def test_what_came_since_is_not_mailed_while_nobody_wants_to_hear_of_the_cause(member, told, swept, decide):
    boss = member("boss", Role.ADMIN)
    told(), told(after=MINUTE)
    decide(the_group(), user=boss)
    assert swept(10 * MINUTE) == []

    reopen(the_group(), user=boss)
    assert len(swept(11 * MINUTE)) == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_sweeps_at_once_one_mails_what_came_since(member, told):
    member("olga")
    told(), told(after=MINUTE)

    answers = at_once(4, lambda _: mail_digests(NOON + 10 * MINUTE))

    assert sorted(answers) == [0, 0, 0, 1]
    assert Mail.objects.filter(subject__contains="more time").count() == 1


def test_a_mail_of_what_came_since_that_is_rolled_back_is_made_by_the_next_sweep(member, told, swept):
    member("olga")
    told(), told(after=MINUTE)

    with transaction.atomic():
        assert mail_digests(NOON + 10 * MINUTE) == 1
        transaction.set_rollback(True)

    assert len(swept(10 * MINUTE)) == 1


def test_the_reconciler_mails_what_came_since(member, told):
    member("olga")
    told(), told(after=MINUTE)  # long ago

    assert reconcile()["mail_digests"] == 1


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
    assert send_mail() == 0

    run.refresh_from_db()
    assert run.status == "failed" and DeadLetter.objects.get().run_id == run.pk
    waiting = Mail.objects.get(run=run)
    assert waiting.state == "waiting" and "connection refused" in waiting.error
    assert "could not be sent" in caplog.text


def test_a_failure_that_is_rolled_back_leaves_no_mail(member):
    member("olga")

    with transaction.atomic():
        fail()
        transaction.set_rollback(True)

    assert not Mail.objects.exists() and not DeadLetter.objects.exists()
