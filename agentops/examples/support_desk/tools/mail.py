"""The tool that writes to customers."""

from smtplib import SMTPRecipientsRefused, SMTPResponseException

from django.core.mail import EmailMessage

from agentops.examples.support_desk.context import Context
from agentops.examples.support_desk.lookups import account_numbered
from agentops.examples.support_desk.models import OutboxMail
from runs.registry import ToolError, UnknownOutcomeError, tool

SUBJECT_MAX_CHARS = 200


@tool(effect="unsafe", approval="always", timeout_s=30)
def send_email(context: Context, account: str, subject: str, body: str) -> str:
    """Send an email to the contact of an account. A person approves each call and reads it as written here.

    `account` is the account number, such as "184"; the address is that of the account and cannot be chosen.
    `subject` is one line, at most 200 characters. `body` is plain text with greeting and closing.
    """
    if not subject.strip() or len(subject.splitlines()) != 1 or len(subject) > SUBJECT_MAX_CHARS:
        raise ToolError(f"The subject must be one line of 1 to {SUBJECT_MAX_CHARS} characters.")
    row = account_numbered(account)
    message = EmailMessage(subject, body, to=[row.contact_email], headers={"X-Effect-Key": context.effect_key})
    try:
        message.send()
    except (SMTPResponseException, SMTPRecipientsRefused) as error:
        raise ToolError(f"The mail server refused the message: {error}") from error
    except OSError as error:
        # The connection broke: perhaps before the server took the message, perhaps after.
        raise UnknownOutcomeError(f"the mail server was lost while it was given the message: {error}") from error
    OutboxMail.objects.create(
        account=row, to=row.contact_email, subject=subject, body=body, effect_key=context.effect_key
    )
    return f"The email “{subject}” was sent to {row.contact_email}."
