"""Mail people about failures: the first of a cause at once, then at most one mail in ten minutes.

One mail per dead letter would be a flood: a provider that is away for a minute fails hundreds of runs for one reason.
So a mail about a cause starts a pause of ten minutes. The next mail, about the next dead letter or from the first sweep
after the pause, counts the dead letters since. Each tenant gets mails only about its own dead letters; those of an
ignored group are stored and counted, and cause no mail.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet

from deadletters.models import DeadLetter, GroupState, LetterGroup
from runs import clock
from runs.conf import conf
from runs.models import Membership, Run, post_mail
from runs.models.people import members_to_mail
from runs.notices.pages import page_of
from runs.operations.permissions import OPERATORS

PAUSE = timedelta(minutes=10)
_HEARD_OF = (GroupState.OPEN, GroupState.REGRESSED)
_AT_ONCE = 100  # mails of one sweep


def mail_about(letter: DeadLetter) -> None:
    """Mail about a dead letter about to be stored, in its transaction, unless the pause is not over.

    This transaction locks the group's row, so two simultaneous failures do not both send a mail.
    """
    assert letter.group is not None
    if not conf().mail_dead_letters:
        return
    mailed = _alike(letter).filter(mailed_at__isnull=False).order_by("-mailed_at")
    last = mailed.only("mailed_at").first()
    too_soon = bool(last and last.mailed_at and last.mailed_at > letter.failed_at - PAUSE)
    if too_soon or letter.group.state == GroupState.IGNORED:
        if last:
            DeadLetter.objects.filter(pk=last.pk).update(untold=F("untold") + 1)
        return
    untold = _take_untold(last.pk) if last else 0
    letter.mailed_at = letter.failed_at
    again = " again" if letter.group.state == GroupState.REGRESSED else ""
    lines = [f"A run of {letter.job_type} has failed for good, and waits for a person.", "", *_facts(letter)]
    if untold:
        lines += ["", f"Since the last mail about this cause, {untold} more of your runs failed for it."]
    _post(letter, f"[agentops] {letter.job_type} failed{again}: {letter.error_class}", lines)


def mail_digests(now: datetime | None = None) -> int:
    """Mail once about all dead letters of a cause since its last mail, if ten minutes are over. Returns how many.

    Skips ignored and resolved causes: the next mail about them counts those dead letters.
    """
    if not conf().mail_dead_letters:
        return 0
    now = now or clock.now()
    due = DeadLetter.objects.filter(untold__gt=0, mailed_at__lte=now - PAUSE, group__state__in=_HEARD_OF)
    return sum(_mail_digest(letter, now) for letter in due.order_by("mailed_at")[:_AT_ONCE])


@transaction.atomic
def _mail_digest(last: DeadLetter, now: datetime) -> bool:
    """Mail about the dead letters since `last`, as of the newest, which starts the next pause."""
    assert last.group_id is not None  # otherwise its state would not have been read
    LetterGroup.objects.select_for_update(of=("self",)).get(pk=last.group_id)  # as a new dead letter does
    newest = _alike(last).select_related("group").filter(mailed_at__isnull=True).order_by("-failed_at").first()
    untold = _take_untold(last.pk)
    if not untold or newest is None:  # another sweep was faster
        return False
    DeadLetter.objects.filter(pk=newest.pk).update(mailed_at=now)
    times = f"{untold} more time{'' if untold == 1 else 's'}"
    subject = f"[agentops] {newest.job_type} failed {times}: {newest.error_class}"
    first = f"Runs of {newest.job_type} have failed {times} since the mail of {_at(last.mailed_at)}. This is the last:"
    _post(newest, subject, [first, "", *_facts(newest)])
    return True


def _post(letter: DeadLetter, subject: str, lines: list[str]) -> None:
    """Store a mail to the operators and admins of the tenant who have an address; `send_mail` sends it."""
    text = "\n".join([*lines, "", _RULE])
    addresses = members_to_mail(Membership.objects.filter(tenant__slug=letter.tenant, role__in=OPERATORS))
    post_mail(addresses, subject, text, run=Run.objects.filter(pk=letter.run_id).first())


def _alike(letter: DeadLetter) -> QuerySet[DeadLetter]:
    return DeadLetter.objects.filter(group=letter.group_id, tenant=letter.tenant)


def _take_untold(pk: UUID) -> int:
    """Return how many dead letters came since that one was mailed; they count as mailed from now on."""
    untold: int = DeadLetter.objects.values_list("untold", flat=True).get(pk=pk)
    if untold:
        DeadLetter.objects.filter(pk=pk).update(untold=0)
    return untold


_RULE = f"You get at most one mail about a cause in {PAUSE.seconds // 60} minutes."


def _facts(letter: DeadLetter) -> list[str]:
    step = f"step {letter.step} {letter.step_name}".strip() if letter.step else "before its first step"
    return [
        f"Tenant:  {letter.tenant}",
        f"Run:     {letter.run_id}",
        f"Failed:  {_at(letter.failed_at)}, {step}, try {letter.attempt}",
        f"Error:   {letter.error_class} ({letter.error_kind})",
        f"Cause:   {letter.fingerprint}",
        f"Page:    {page_of('deadletter', letter.pk, app='deadletters') or 'none'}",
        "",
        letter.error_message[:1000],
    ]


def _at(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else "before"
