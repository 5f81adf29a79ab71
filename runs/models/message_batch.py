"""Message batches, and the model calls that lie in them: sent together, answered later, at half the price."""

from django.db import models
from django.db.models import Q

from runs.models.fields import JSONText, new_id
from runs.models.model_call import ModelCall


class BatchStatus(models.TextChoices):
    """Where a batch stands. `docs/batch.md` says who moves it on from each, and what happens when that one dies."""

    FORMED = "formed", "formed: its calls are chosen, nothing is sent"
    SENDING = "sending", "sending: it may exist at the provider"
    IN_PROGRESS = "in_progress", "in progress: the provider has it"
    ENDED = "ended", "ended: its results are being taken in"
    COLLECTED = "collected", "collected: every call has its result"
    NOT_MADE = "not_made", "not made: its calls were given back"


OPEN = (BatchStatus.FORMED, BatchStatus.SENDING, BatchStatus.IN_PROGRESS, BatchStatus.ENDED)


class CallEnd(models.TextChoices):
    """How a call ended in its batch: the provider's four words, and one of ours."""

    SUCCEEDED = "succeeded", "succeeded"
    ERRORED = "errored", "errored: it was refused, which costs nothing"
    CANCELED = "canceled", "canceled: somebody cancelled the batch"
    EXPIRED = "expired", "expired: the provider did not get to it in 24 hours"
    LOST = "lost", "lost: nobody knows what became of it, so it counts as spent"


class MessageBatch(models.Model):
    """One batch. The sweep that claims its next look, by compare-and-set, moves it on."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    provider_id = models.CharField(max_length=100, null=True, unique=True, help_text="The provider's name for it.")  # noqa: DJ001 (NULLs are distinct in the unique constraint)
    status = models.CharField(max_length=16, choices=BatchStatus, default=BatchStatus.FORMED)
    requests = models.PositiveIntegerField(help_text="Calls that were put into it.")
    succeeded = models.PositiveIntegerField(default=0)
    errored = models.PositiveIntegerField(default=0)
    canceled = models.PositiveIntegerField(default=0)
    expired = models.PositiveIntegerField(default=0)
    lost = models.PositiveIntegerField(default=0)
    tries = models.PositiveSmallIntegerField(default=0, help_text="Times that it was sent.")
    next_look_at = models.DateTimeField(null=True, help_text="From then on anyone may see to it.")
    not_ours = JSONText(default=list, help_text="Ids of the provider's batches that proved not to be this one.")
    error = models.CharField(max_length=500, blank=True, help_text="What the last try ended with.")
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, help_text="When it was last about to be sent.")
    ended_at = models.DateTimeField(null=True, help_text="When the provider was seen to have ended it.")
    collected_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at"]
        verbose_name_plural = "message batches"
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=OPEN, next_look_at__isnull=False)
                | (~Q(status__in=OPEN) & Q(next_look_at__isnull=True)),
                name="message_batch_is_looked_at_while_open",
            ),
        ]
        indexes = [
            models.Index(fields=["next_look_at"], condition=Q(next_look_at__isnull=False), name="message_batch_due"),
            models.Index(fields=["-created_at"], name="message_batch_by_age"),
        ]

    def __str__(self) -> str:
        return self.provider_id or f"batch {str(self.id)[:8]}, not sent"

    @property
    def is_open(self) -> bool:
        """Say whether somebody still has to see to it."""
        return self.status in OPEN


class BatchedCall(models.Model):
    """A model call in the batch lane: its request until it is answered, and its result until the run takes it."""

    call = models.OneToOneField(ModelCall, models.CASCADE, primary_key=True, related_name="batched")
    batch = models.ForeignKey(
        MessageBatch, models.PROTECT, null=True, related_name="calls", help_text="Empty: not in a batch yet."
    )
    body = models.TextField(blank=True, help_text="The request as it is sent; emptied when its result is here.")
    size = models.PositiveIntegerField(help_text="Of the request, in bytes.")
    end = models.CharField(max_length=16, choices=CallEnd, blank=True, help_text="Empty: no result yet.")
    result = JSONText(null=True, help_text="The provider's result; emptied when the run has taken it.")
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["created_at"]
        indexes = [
            models.Index(fields=["created_at"], condition=Q(batch__isnull=True), name="batched_call_pending"),
        ]

    def __str__(self) -> str:
        return self.custom_id

    @property
    def custom_id(self) -> str:
        """The name of the call in its batch: unique over all tries, and known again whenever the result comes."""
        return self.call_id.hex
