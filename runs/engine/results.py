"""Make results of tools and jobs fit to store: text or JSON, truncated if too long, with the whole in an artifact."""

from typing import Any

from runs.conf import conf
from runs.declarations.job_types import JobType
from runs.declarations.schema import problems_with
from runs.engine.journal import Journal
from runs.engine.plain_json import jsonable
from runs.errors import OutputInvalidError
from runs.models import Step
from runs.models.artifact import keep_text
from runs.models.fields import dump_json
from runs.sanitize import cut
from runs.storable import storable, storable_text

__all__ = ["jsonable", "keep_output", "keep_result"]

OUTPUT_MAX_CHARS = 1_000_000  # what a client can reasonably read at once


def keep_result(journal: Journal, step: Step, value: Any) -> dict[str, Any]:
    """Turn what a tool returned into the step's result.

    Shape: `{"text": what the model reads, "artifact"?: id of the whole text}`.
    """
    text = storable_text(value if isinstance(value, str) else dump_json(storable(jsonable(value))))
    limit = conf().text_max_chars
    if len(text) <= limit:
        return {"text": text}
    artifact = keep_text(journal.run, name=f"step-{step.seq}-{step.name}"[:200], text=text)
    journal.attach(artifact)
    return {"text": cut(text, limit), "artifact": str(artifact.pk)}


def keep_output(journal: Journal, value: Any) -> Any:
    """Bound the output of a run; the whole of a longer one goes into an artifact.

    Shape: the value itself; for a longer text its beginning, for anything else longer `{"text", "artifact"}`.
    """
    text = value if isinstance(value, str) else dump_json(value)
    if len(text) <= OUTPUT_MAX_CHARS:
        return value
    text = storable_text(text)
    artifact = keep_text(journal.run, name="output", text=text)
    journal.attach(artifact)
    beginning = cut(text, conf().text_max_chars)
    return beginning if isinstance(value, str) else {"text": beginning, "artifact": str(artifact.pk)}


def check_output(job_type: JobType, output: Any, *, what: str) -> None:
    """Refuse an output, a JSON value, that does not fit the schema. Raises: OutputInvalidError naming each field."""
    schema = job_type.output_json_schema
    problems = problems_with(output, schema) if schema else {}
    if problems:
        raise OutputInvalidError(f"{what} does not fit output_schema: {problems}")
