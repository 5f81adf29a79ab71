"""The audit trail of dead letters: every verb that somebody used, by whom and when. Only ever added to."""

import json
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from deadletters.models.dead_letter import DeadLetter
from deadletters.models.group import LetterGroup


class LetterEvent(models.Model):
    """One verb, used on a letter or on a group."""

    letter = models.ForeignKey(DeadLetter, models.PROTECT, null=True, related_name="events")
    group = models.ForeignKey(LetterGroup, models.PROTECT, null=True, related_name="events")
    verb = models.CharField(max_length=32)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(db_default=Now())
    data = models.TextField(default="{}", help_text="What was said with it: notes, names, dates, as JSON.")

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(letter__isnull=True) ^ Q(group__isnull=True), name="letter_event_of_one_thing"
            )
        ]

    def __str__(self) -> str:
        return f"{self.verb} by {self.user}"


def record_event(thing: DeadLetter | LetterGroup, verb: str, *, user: Any, **data: Any) -> None:
    """Write down that somebody used a verb. What was not said is left out."""
    said = {name: str(value) for name, value in data.items() if value not in (None, "")}
    LetterEvent.objects.create(
        letter=thing if isinstance(thing, DeadLetter) else None,
        group=thing if isinstance(thing, LetterGroup) else None,
        verb=verb,
        user=user,
        data=json.dumps(said, ensure_ascii=False),
    )
