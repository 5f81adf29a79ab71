"""The output of a run, held against the `output_schema` of its job type."""

from typing import Any

from runs.declarations.job_types import JobType
from runs.declarations.schema import problems_with
from runs.errors import OutputInvalidError


def check_output(job_type: JobType, output: Any, *, what: str) -> None:
    """Refuse an output, a JSON value, that does not fit. Raises: OutputInvalidError naming each field."""
    schema = job_type.output_json_schema
    problems = problems_with(output, schema) if schema else {}
    if problems:
        raise OutputInvalidError(f"{what} does not fit output_schema: {problems}")
