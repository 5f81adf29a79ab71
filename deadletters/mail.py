"""Mails about failures: the first of a cause is mailed, and after it at most one in ten minutes.

One mail a letter would flood: a provider that is away for a minute fails hundreds of runs for one reason. So whoever
is told of a cause is left alone for ten minutes, and the next mail says how many letters came since. Each tenant's
people are told of their own letters only; letters of an ignored group are kept and counted, and raise no mail.
"""

import logging
from datetime import timedelta
from functools import partial

from django.core.mail import EmailMessage
from django.db import transaction
from django.urls import NoReverseMatch, reverse

from deadletters.conf import letters_conf
from deadletters.models import DeadLetter, GroupState
from deadletters.people import people

log = logging.getLogger(__name__)

PAUSE = timedelta(minutes=10)


def mail_about(letter: DeadLetter) -> None:
    """Mail about a letter that is about to be stored, once its transaction has committed; unless it is too soon.

    The group's row is held by this transaction, so two failures at the same moment do not both find that it is time.
    """
    assert letter.group is not None
    if not letters_conf().mail_dead_letters or letter.group.state == GroupState.IGNORED:
        return
    alike = DeadLetter.objects.filter(group=letter.group, tenant=letter.tenant)
    last = alike.filter(mailed_at__isnull=False).order_by("-mailed_at").values_list("mailed_at", flat=True).first()
    if last and last > letter.failed_at - PAUSE:
        return
    unmailed = alike.filter(failed_at__gte=last, mailed_at__isnull=True).count() if last else 0
    letter.mailed_at = letter.failed_at
    transaction.on_commit(partial(_send, letter, unmailed))


def _send(letter: DeadLetter, unmailed: int) -> None:
    """Send the mail. It is news of a failure, not part of it: whatever goes wrong here is logged and no more."""
    try:
        to = people().to_tell(letter.tenant)
        if to:
            EmailMessage(_subject(letter), _text(letter, unmailed), to=to).send()
    except Exception:
        log.exception("dead letter %s: no mail could be sent", letter.id)


def _subject(letter: DeadLetter) -> str:
    assert letter.group is not None
    again = " again" if letter.group.state == GroupState.REGRESSED else ""
    return " ".join(f"[agentops] {letter.job_type} failed{again}: {letter.error_class}".split())


def _text(letter: DeadLetter, unmailed: int) -> str:
    step = f"step {letter.step} {letter.step_name}".strip() if letter.step else "before its first step"
    lines = [
        f"A run of {letter.job_type} has failed for good, and waits for a person.",
        "",
        f"Tenant:  {letter.tenant}",
        f"Run:     {letter.run_id}",
        f"Failed:  {letter.failed_at:%Y-%m-%d %H:%M:%S} UTC, {step}, try {letter.attempt}",
        f"Error:   {letter.error_class} ({letter.error_kind})",
        f"Cause:   {letter.fingerprint}",
        f"Page:    {_link(letter)}",
        "",
        letter.error_message[:1000],
    ]
    if unmailed:
        lines += ["", f"Since the last mail about this cause, {unmailed} more of your runs failed for it."]
    lines += ["", f"You get at most one mail about a cause in {PAUSE.seconds // 60} minutes."]
    return "\n".join(lines)


def _link(letter: DeadLetter) -> str:
    try:
        path = reverse("admin:deadletters_deadletter_change", args=[letter.pk])
    except NoReverseMatch:  # this project has no console
        return "none"
    return letters_conf().site_url.rstrip("/") + path
