"""Mails are sent by a real mail server's protocol: once, later after a crash, and given up in the end, visibly."""

import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection

from runs import clock
from runs.maintenance.reconcile import tick
from runs.maintenance.send_mail import PAUSES_S, send_mail
from runs.models import Mail, post_mail
from runs.operations.retry_mail import retry_mail
from tests.at_once import at_once
from tests.databases import environment
from tests.smtp_server import smtp_server, use

ROOT = Path(__file__).resolve().parents[3]
HOLD_S = 301
SEND = """
import sys
import django; django.setup()
from django.conf import settings
from tests.smtp_server import use
use(settings, int(sys.argv[1]))
from runs.maintenance.send_mail import send_mail
send_mail()
"""


@pytest.fixture
def mail_server(settings):
    """Start a mail server that behaves so, and use it."""
    started = []

    def start(*, timeout_s=20, **behaviour):
        context = smtp_server(**behaviour)
        server = context.__enter__()
        started.append(context)
        use(settings, server.port, timeout_s=timeout_s)
        return server

    yield start
    for context in started:
        context.__exit__(None, None, None)


def tell(subject="News"):
    post_mail(["olga@acme.example", "adam@acme.example"], subject, "It happened.\n.\nTwice.")
    return Mail.objects.get(subject=subject)


def try_again():
    """Let the longest pause pass, and sweep."""
    clock.advance(PAUSES_S[-1] + 1)
    return send_mail()


@pytest.mark.django_db
def test_a_mail_arrives_as_it_was_stored(mail_server):
    server = mail_server()
    mail = tell()

    assert (send_mail(), send_mail()) == (1, 0)

    (taken,) = server.taken
    assert (taken["Subject"], taken["To"]) == ("News", "adam@acme.example, olga@acme.example")
    assert taken["Message-ID"] == f"<{mail.pk}@agentops>" and "It happened." in taken.get_payload()
    mail.refresh_from_db()
    assert (mail.state, mail.tries, mail.error, mail.next_try_at) == ("sent", 1, "", None)


@pytest.mark.django_db(transaction=True)
def test_senders_at_the_same_moment_send_each_mail_once(mail_server):
    server = mail_server()
    mails = [tell(f"News {number}") for number in range(6)]

    sent = at_once(8, lambda _: send_mail())

    assert sum(sent) == len(mails)
    assert sorted(taken["Subject"] for taken in server.taken) == [mail.subject for mail in mails]


@pytest.mark.django_db(transaction=True)
def test_a_sender_that_dies_between_claim_and_sending_leaves_the_mail_to_the_next(mail_server):
    silent = mail_server(silent=True)
    mail = tell()
    command = [sys.executable, "-c", SEND, str(silent.port)]
    child = subprocess.Popen(command, cwd=ROOT, env=environment())
    assert silent.called.wait(30)
    child.kill()
    child.wait()

    server = mail_server()
    assert send_mail() == 0, "its sender may still be at it"
    clock.advance(HOLD_S)
    assert send_mail() == 1

    mail.refresh_from_db()
    assert len(server.taken) == 1 and (mail.state, mail.tries) == ("sent", 2)


@pytest.mark.django_db
def test_a_server_that_asks_to_come_back_later_gets_the_mail_a_minute_later(mail_server):
    server = mail_server(refuse=1)
    mail = tell()

    assert send_mail() == 0
    mail.refresh_from_db()
    assert mail.state == "waiting" and "451 come back later" in mail.error
    clock.advance(PAUSES_S[0] - 1)
    assert send_mail() == 0
    clock.advance(2)
    assert send_mail() == 1

    mail.refresh_from_db()
    assert (mail.state, mail.error, len(server.taken)) == ("sent", "", 1)


@pytest.mark.django_db
def test_a_silent_server_is_given_up_by_the_timeout_and_the_mail_tried_again(mail_server):
    mail_server(silent=True, timeout_s=0.5)
    mail = tell()

    began = time.monotonic()
    assert send_mail() == 0

    mail.refresh_from_db()
    assert time.monotonic() - began < 5 and mail.state == "waiting" and "timed out" in mail.error


@pytest.mark.django_db
def test_after_five_failures_in_about_an_hour_a_mail_is_given_up_and_may_be_sent_again(mail_server, admin_user, caplog):
    server = mail_server(refuse=5)
    mail = tell()
    assert 45 < sum(PAUSES_S) / 60 < 75

    assert [send_mail()] + [try_again() for _ in range(5)] == [0] * 6

    mail.refresh_from_db()
    assert (mail.state, mail.tries, server.to_refuse) == ("given up", 5, 0) and "451" in mail.error
    assert f"mail {mail.pk} is given up after 5 tries" in caplog.text
    assert retry_mail(mail, user=admin_user) and not retry_mail(mail, user=admin_user)
    assert send_mail() == 1
    mail.refresh_from_db()
    assert (mail.state, mail.tries) == ("sent", 1)


@pytest.mark.django_db
def test_a_mail_whose_sender_died_in_the_last_try_is_given_up_and_says_so(mail_server):
    server = mail_server()
    mail = tell()
    Mail.objects.update(tries=5, next_try_at=clock.in_seconds(-1))

    assert send_mail() == 0

    mail.refresh_from_db()
    assert mail.state == "given up" and "may have arrived" in mail.error and not server.taken


@pytest.mark.django_db
def test_a_late_failure_does_not_undo_what_another_sender_has_done(mail_server, monkeypatch):
    from runs.maintenance import send_mail as module

    mail = tell()
    released = module.release_connection

    def sent_by_another():
        released()
        Mail.objects.update(tries=2, next_try_at=None, sent_at=clock.now())

    monkeypatch.setattr(module, "release_connection", sent_by_another)
    mail_server(refuse=1)

    assert send_mail() == 0

    mail.refresh_from_db()
    assert (mail.state, mail.error) == ("sent", "")


@pytest.mark.django_db
def test_a_secret_that_a_server_quotes_is_neither_stored_nor_logged(mail_server, monkeypatch, caplog):
    secret = "correct 'horse' \\ battery"
    monkeypatch.setenv("AGENTOPS_SECRET_SMTP", secret)
    mail_server(refuse=1, refuse_with=f"550 no: {secret}")
    mail = tell()

    send_mail()

    mail.refresh_from_db()
    assert "550 no: [redacted]" in mail.error
    assert "battery" not in mail.error + caplog.text


@pytest.mark.django_db
def test_an_address_that_no_server_takes_is_an_error_of_its_mail_alone(mail_server):
    server = mail_server()
    post_mail(["a\nb@acme.example"], "Bad", "")
    tell()

    assert send_mail() == 1

    assert Mail.objects.get(subject="Bad").error and len(server.taken) == 1


@pytest.mark.django_db
def test_a_sweep_ends_when_it_is_told_to_and_takes_twenty_at_most(mail_server):
    server = mail_server()
    for number in range(22):
        tell(f"News {number}")

    assert send_mail(go_on=lambda: len(server.taken) < 3) == 3
    assert send_mail() == 19
    Mail.objects.update(sent_at=None, next_try_at=clock.now() - timedelta(seconds=1), tries=0)
    assert send_mail() == 20


@pytest.mark.django_db
def test_without_any_worker_the_clock_and_the_command_send_mails(mail_server, capsys):
    server = mail_server()
    tell("first")
    assert "send_mail=1" in tick()

    tell("second")
    call_command("reconcile")

    assert "send mail: 1" in capsys.readouterr().out and len(server.taken) == 2


@pytest.mark.django_db(transaction=True)
def test_no_connection_to_the_database_is_held_while_the_server_is_asked(mail_server, monkeypatch):
    from django.core.mail import EmailMessage

    held = []
    send = EmailMessage.send

    def looking(message, *args, **options):
        held.append(connection.connection is not None)
        return send(message, *args, **options)

    monkeypatch.setattr(EmailMessage, "send", looking)
    mail_server()
    tell()

    assert send_mail() == 1
    assert held == [connection.vendor == "sqlite"], "SQLite has no server whose connections could run out"
