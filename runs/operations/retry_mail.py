"""Retry a mail that was given up: an operator knows that the mail server works again."""

import logging

from django.contrib.auth.models import AbstractBaseUser

from runs.clock import Now
from runs.models import Mail
from runs.operations.permissions import check_may_operate

log = logging.getLogger(__name__)


def retry_mail(mail: Mail, *, user: AbstractBaseUser) -> bool:
    """Allow five more tries, from the next sweep on. Returns False if the mail was not given up.

    Raises: NotPermittedError if the mail is about a run that the user may not operate.
    """
    if mail.run:
        check_may_operate(mail.run, user)
    given_up = Mail.objects.given_up().filter(pk=mail.pk)
    if waits := given_up.update(given_up_at=None, next_try_at=Now(), tries=0):
        log.warning("mail %s is sent again, says %s", mail.pk, user.get_username())
    return bool(waits)
