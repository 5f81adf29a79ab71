"""Run events: the append-only story of a run, numbered without gaps."""

from django.db import models

from runs.models.fields import JSONText
from runs.models.run import Run


class RunEvent(models.Model):
    """One thing that happened to a run."""

    run = models.ForeignKey(Run, models.CASCADE, db_index=False, related_name="events")
    seq = models.PositiveIntegerField()
    kind = models.CharField(max_length=64, help_text="`run.queued`, `step.completed`, `action.approved` …")
    actor = models.CharField(max_length=150, blank=True, help_text="A user, or a worker.")
    data = JSONText(default=dict)
    at = models.DateTimeField()

    class Meta:
        ordering = ["run", "seq"]
        constraints = [models.UniqueConstraint(fields=["run", "seq"], name="event_seq")]

    def __str__(self) -> str:
        return f"{self.seq} {self.kind}"
