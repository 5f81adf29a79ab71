"""Apply a decision to its step."""

from typing import Any

from runs.clock import Now
from runs.conf import conf
from runs.models import Step
from runs.models.fields import dump_json, hash_of
from runs.sanitize import cut
from runs.states import StepStatus
from runs.storable import storable


def complete_step(step: Step, result: dict[str, Any]) -> None:
    """Record a person's answer as the result of the step."""
    result = storable(result)
    Step.objects.filter(pk=step.pk).update(
        status=StepStatus.COMPLETED, result=result, result_hash=hash_of(result), error=None, finished_at=Now()
    )


def complete_with(step: Step, result: Any) -> None:
    """Record the result of an effect, as given by the person who checked."""
    if step.tool_use_id:
        text = result if isinstance(result, str) else dump_json(result)
        complete_step(step, {"text": cut(text, conf().text_max_chars)})
    else:
        complete_step(step, {"value": result})


def skip_step(step: Step, message: str) -> None:
    """End the step without its effect, with a message for the model."""
    Step.objects.filter(pk=step.pk).update(
        status=StepStatus.SKIPPED,
        result={"text": message},
        error={"type": "rejected", "message": message},
        finished_at=Now(),
    )
