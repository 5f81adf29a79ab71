"""Send mails. A mail server may be silent, so the sending thread does nothing that others wait for.

A claim is one UPDATE and holds the mail for five minutes, far longer than a try takes: only one sender has it, and a
dead sender's mail is sent later. So a mail arrives at least once; twice only if its sender dies between the server's
answer and our commit.
"""

import logging
import smtplib
from collections.abc import Callable

from django.core.mail import EmailMessage
from django.db.models import F

from runs.clock import Now, in_seconds
from runs.engine.journal import release_connection
from runs.models import Mail
from runs.models.mail import MailQuerySet
from runs.storable import storable_text

log = logging.getLogger(__name__)

PAUSES_S = (60.0, 300.0, 900.0, 2400.0)  # after each failed try but the last: five tries in about an hour
_TRIES = len(PAUSES_S) + 1
_HOLD_S = 300.0
_BATCH = 20
_LOST = "the sender was lost during the last try, so it may have arrived"


def send_mail(*, go_on: Callable[[], bool] = lambda: True) -> int:
    """Send the mails that are due, one by one, while `go_on()` is true. Returns how many were sent."""
    due = list(Mail.objects.filter(next_try_at__lte=Now()).order_by("next_try_at")[:_BATCH])
    sent = 0
    for mail in due:
        if not go_on():
            break
        if mail.tries >= _TRIES:
            _give_up(mail, _LOST)
        elif _claim(mail):
            sent += _try(mail)
    return sent


def _claim(mail: Mail) -> bool:
    """Claim the mail for one try; False if another sender was faster."""
    as_read = Mail.objects.filter(pk=mail.pk, tries=mail.tries, next_try_at__lte=Now())
    taken = as_read.update(tries=F("tries") + 1, next_try_at=in_seconds(_HOLD_S))
    mail.tries += 1
    return bool(taken)


def _try(mail: Mail) -> bool:
    """Give the mail to the mail server, and record the result. Holds no database connection in the meantime."""
    release_connection()
    message = EmailMessage(mail.subject, mail.body, to=mail.to, headers={"Message-ID": f"<{mail.pk}@agentops>"})
    try:
        message.send()
    except Exception as error:  # backends may raise anything
        _fail(mail, _said_by(error))
        return False
    Mail.objects.filter(pk=mail.pk).update(sent_at=Now(), next_try_at=None, given_up_at=None, error="")
    return True


def _fail(mail: Mail, said: str) -> None:
    if mail.tries >= _TRIES:
        _give_up(mail, said)
        return
    pause_s = PAUSES_S[mail.tries - 1]
    if _of_this_try(mail).update(next_try_at=in_seconds(pause_s), error=said):
        log.warning("mail %s could not be sent (try %s): %s; again in %g s", mail.pk, mail.tries, said, pause_s)


def _give_up(mail: Mail, said: str) -> None:
    if _of_this_try(mail).update(next_try_at=None, given_up_at=Now(), error=said):
        log.error("mail %s is given up after %s tries: %s", mail.pk, mail.tries, said)


def _of_this_try(mail: Mail) -> MailQuerySet:
    """Select the mail, unless another sender has claimed or sent it since."""
    return Mail.objects.waiting().filter(pk=mail.pk, tries=mail.tries)


def _said_by(error: Exception) -> str:
    """Describe an error without secrets: servers quote what they were sent."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        answers = [f"{address}: {code} {_text(said)}" for address, (code, said) in error.recipients.items()]
        said = "; ".join(answers)
    elif isinstance(error, smtplib.SMTPResponseException):
        said = f"{error.smtp_code} {_text(error.smtp_error)}"
    else:
        said = str(error)
    return storable_text(f"{type(error).__name__}: {said}")[:500]


def _text(said: bytes | str) -> str:
    """Decode a server's answer: in the repr of bytes, a secret would not be recognised."""
    return said if isinstance(said, str) else said.decode(errors="replace")
