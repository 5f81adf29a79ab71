"""Mails to people, stored in the transaction of the news that they carry, and sent after it by a sweep of its own."""

import uuid
from collections.abc import Iterable

from django.db import models
from django.db.models import Q

from runs.clock import Now
from runs.models.fields import JSONText
from runs.models.run import Run
from runs.storable import storable_text

_SUBJECT_MAX_CHARS = 200
_BODY_MAX_CHARS = 20_000

_WAITING, _SENT, _GIVEN_UP = (
    Q(next_try_at__isnull=False),
    Q(sent_at__isnull=False),
    Q(given_up_at__isnull=False),
)


class MailQuerySet(models.QuerySet["Mail"]):
    """Mails by what has become of them."""

    def waiting(self) -> "MailQuerySet":
        """Only mails that are still to be sent."""
        return self.filter(_WAITING)

    def sent(self) -> "MailQuerySet":
        """Only mails that a mail server has taken."""
        return self.filter(_SENT)

    def given_up(self) -> "MailQuerySet":
        """Only mails that nobody will try to send unasked."""
        return self.filter(_GIVEN_UP)


class Mail(models.Model):
    """One mail. It waits, was sent, or was given up: exactly one of three times says which."""

    # The same over all tries: also the Message-ID, by which a mailbox knows a mail that comes twice.
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    to = JSONText(help_text="The addresses.")
    subject = models.CharField(max_length=_SUBJECT_MAX_CHARS)
    body = models.TextField()
    run = models.ForeignKey(Run, models.CASCADE, null=True, related_name="mails", help_text="What it tells of.")
    created_at = models.DateTimeField()
    next_try_at = models.DateTimeField(null=True, help_text="From then on anyone may send it.")
    tries = models.PositiveSmallIntegerField(default=0, help_text="Begun, whatever came of them.")
    sent_at = models.DateTimeField(null=True, help_text="When a mail server took it.")
    given_up_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=500, blank=True, help_text="What the last try that failed ended with.")

    objects = MailQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=(_WAITING & ~_SENT & ~_GIVEN_UP)
                | (~_WAITING & _SENT & ~_GIVEN_UP)
                | (~_WAITING & ~_SENT & _GIVEN_UP),
                name="mail_waits_or_has_ended",
            ),
        ]
        indexes = [models.Index(fields=["next_try_at"], condition=_WAITING, name="mail_due")]

    def __str__(self) -> str:
        return self.subject

    @property
    def state(self) -> str:
        """Say in a word what has become of it."""
        return "sent" if self.sent_at else "given up" if self.given_up_at else "waiting"


def post_mail(to: Iterable[str], subject: str, body: str, *, run: Run | None = None) -> bool:
    """Store a mail to these addresses, to be sent once the transaction has committed; False if there is no address.

    Call it in the transaction of what the mail tells of: then there is no news without its mail, and no mail without
    its news.
    """
    addresses = sorted({address for address in to if address})
    if not addresses:
        return False
    Mail.objects.create(
        to=addresses,
        subject=_one_line(storable_text(subject)),
        body=storable_text(body, _BODY_MAX_CHARS),
        run=run,
        created_at=Now(),
        next_try_at=Now(),
    )
    return True


def _one_line(text: str) -> str:
    """Make it fit for a header: a line break there would begin another one."""
    line = " ".join(text.split())
    return line if len(line) <= _SUBJECT_MAX_CHARS else f"{line[: _SUBJECT_MAX_CHARS - 1]}…"
