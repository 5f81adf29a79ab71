"""What a step was to do, by the name under which the ledger knows it."""

from typing import Any

from runs.models import Step
from runs.states import StepKind


def op_of(step: Step) -> str:
    """Name the operation of a step: as its script names it, else by the recorded call, else by its own name."""
    return name_of(step.kind, step.name, step.arguments, step.tool_use_id)


def name_of(kind: str, name: str, arguments: Any, tool_use_id: str) -> str:
    """As `op_of`, from the columns."""
    if kind != StepKind.TOOL_CALL:
        return name
    op = arguments.get("op") if isinstance(arguments, dict) else None
    return op if isinstance(op, str) else tool_use_id
