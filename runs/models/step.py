"""The step: one recorded model call, tool call, function step or wait of a run."""

from django.db import models
from django.db.models import Q

from runs.models.fields import MONEY, JSONText, new_id
from runs.models.run import Run
from runs.states import Effect, StepKind, StepStatus


class Step(models.Model):
    """One entry of a run's journal. Written only by the holder of the lease, or by a decision."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    run = models.ForeignKey(Run, models.CASCADE, db_index=False, related_name="steps")
    seq = models.PositiveIntegerField(help_text="Place in the run, from 1, without gaps.")
    kind = models.CharField(max_length=16, choices=[(k.value, k.value) for k in StepKind])
    name = models.CharField(max_length=200, help_text="The model, the tool, or the name of a function step.")
    status = models.CharField(max_length=16, choices=[(s.value, s.value) for s in StepStatus])
    attempt = models.PositiveIntegerField(default=0, help_text="Tries of this step.")
    fence = models.PositiveIntegerField(default=0, help_text="The claim that last started it.")

    tool_use_id = models.CharField(max_length=100, blank=True)
    effect = models.CharField(max_length=16, blank=True, choices=[(e.value, e.value) for e in Effect])
    effect_key = models.CharField(max_length=64, null=True)  # noqa: DJ001 (None is not in the unique index)
    arguments = JSONText(null=True)
    arguments_hash = models.CharField(max_length=64, blank=True)
    result = JSONText(null=True, help_text="A model's answer, a tool's result, a person's words.")
    result_hash = models.CharField(max_length=64, blank=True)
    error = JSONText(null=True, help_text="{type, message}")
    deadline_at = models.DateTimeField(null=True, help_text="After this the call in flight cannot arrive.")
    reused_from = models.UUIDField(null=True, help_text="The step of another run whose result this is.")

    input_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    cache_read_tokens = models.PositiveIntegerField(default=0)
    cache_write_tokens = models.PositiveIntegerField(default=0)
    cost_usd = models.DecimalField(**MONEY, default=0)
    planned_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["run", "seq"]
        constraints = [
            models.UniqueConstraint(fields=["run", "seq"], name="step_seq"),
            models.UniqueConstraint(
                fields=["effect_key"], condition=Q(effect_key__isnull=False), name="step_effect_key_used_once"
            ),
            models.CheckConstraint(condition=Q(kind__in=[k.value for k in StepKind]), name="step_kind_known"),
            models.CheckConstraint(condition=Q(status__in=[s.value for s in StepStatus]), name="step_status_known"),
            models.CheckConstraint(
                condition=~Q(status="completed") | Q(result__isnull=False), name="step_completed_has_result"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.seq} {self.name}"

    @property
    def failed_its_run(self) -> bool:
        """It ended because the run gave up; a failed tool call that the model saw has a result."""
        was_seen = self.kind == StepKind.TOOL_CALL and self.result is not None
        return self.status == StepStatus.FAILED and not was_seen

    @property
    def usage(self) -> dict[str, int]:
        """Tokens of the four kinds, as the API shows them."""
        return {
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "cache_read_tokens": self.cache_read_tokens,
            "cache_write_tokens": self.cache_write_tokens,
        }
