"""Mail to customers."""

from smtplib import SMTPRecipientsRefused

import pytest
from django.core.mail import EmailMessage

from agentops.examples.support_desk.models import OutboxMail
from agentops.examples.support_desk.tools import send_email
from runs.registry import ToolError, UnknownOutcomeError


def test_the_message_goes_to_the_contact_with_its_effect_key(desk, context, mailoutbox):
    send_email(context, account="184", subject="Your invoice", body="Hello Maria")

    message = mailoutbox[0]
    assert message.to == ["maria.keller@northwind.example"]
    assert message.message()["X-Effect-Key"] == "run-1"
    assert OutboxMail.objects.get(effect_key="run-1").body == "Hello Maria"


@pytest.mark.parametrize("subject", ["", "Hi\nBcc: thief@example.com", "x" * 201])
def test_a_subject_that_is_not_one_line_is_refused(desk, context, mailoutbox, subject):
    with pytest.raises(ToolError, match="one line"):
        send_email(context, account="184", subject=subject, body="Hello")

    assert not mailoutbox


def test_a_refused_recipient_is_told_to_the_model(desk, context, monkeypatch):
    _fail_with(monkeypatch, SMTPRecipientsRefused({"maria": (550, b"no such user")}))

    with pytest.raises(ToolError, match="refused"):
        send_email(context, account="184", subject="Hi", body="Hello")

    assert not OutboxMail.objects.exists()


def test_a_lost_mail_server_leaves_the_outcome_to_a_person(desk, context, monkeypatch):
    _fail_with(monkeypatch, ConnectionResetError())

    with pytest.raises(UnknownOutcomeError):
        send_email(context, account="184", subject="Hi", body="Hello")


def test_every_message_needs_a_person(context):
    assert send_email.effect == "unsafe"
    assert send_email.needs_approval(context, {})


def _fail_with(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def send(self: EmailMessage) -> int:
        raise error

    monkeypatch.setattr(EmailMessage, "send", send)
