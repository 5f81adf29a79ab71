"""A mail is stored with its news: to those who have an address, on one line, without secrets."""

import pytest
from django.db import transaction

from runs.models import Mail, post_mail

pytestmark = pytest.mark.django_db


def test_a_mail_is_stored_to_each_address_once(post):
    run = post("clerk")

    assert post_mail(["b@acme.example", "", "a@acme.example", "b@acme.example"], "News", "It happened.", run=run)

    mail = Mail.objects.get()
    assert mail.to == ["a@acme.example", "b@acme.example"] and mail.run == run
    assert (mail.state, mail.tries, mail.body) == ("waiting", 0, "It happened.")


def test_nobody_with_an_address_is_no_mail():
    assert not post_mail(["", ""], "News", "It happened.")

    assert not Mail.objects.exists()


def test_a_subject_is_one_line_and_cut():
    post_mail(["a@acme.example"], "News\r\nBcc: else@globex.example\n" + "x" * 300, "")

    subject = Mail.objects.get().subject
    assert subject.startswith("News Bcc: else@globex.example x") and subject.endswith("x…")
    assert len(subject) == 200 and "\n" not in subject


def test_secrets_and_what_no_database_takes_are_taken_out(monkeypatch):
    monkeypatch.setenv("AGENTOPS_SECRET_PAYMENTS", "correct-horse")

    post_mail(["a@acme.example"], "paid with correct-horse", "correct-horse\x00")

    mail = Mail.objects.get()
    assert "correct-horse" not in mail.subject + mail.body and "\x00" not in mail.body


def test_news_that_are_rolled_back_leave_no_mail():
    with transaction.atomic():
        post_mail(["a@acme.example"], "News", "It happened.")
        transaction.set_rollback(True)

    assert not Mail.objects.exists()


def test_a_run_that_is_deleted_takes_its_mails_along(post):
    run = post("clerk")
    post_mail(["a@acme.example"], "News", "It happened.", run=run)

    run.events.all().delete()
    run.delete()

    assert not Mail.objects.exists()
