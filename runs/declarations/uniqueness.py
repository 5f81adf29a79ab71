"""When two runs of a job type count as the same: the uniqueness key of an input, and its declaration."""

import hashlib
import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from runs.declarations.callables import never_answers
from runs.errors import DeclarationError, InvalidInputError
from runs.user_code.call import ask

UniqueBy = Sequence[str] | Callable[[dict[str, Any]], str] | None


def key_of(unique_by: UniqueBy, run_input: dict[str, Any], *, continues: Any = None) -> str:
    """Hash what makes two runs the same; without `unique_by`, the whole input and the continued conversation.

    Raises: InvalidInputError if the declared function fails on this input.
    """
    if unique_by is None:
        same: Any = {"input": run_input, "continues": continues and str(continues)}
    elif callable(unique_by):
        try:
            same = str(ask("`unique_by` of the job type", unique_by, run_input))
        except Exception as error:
            problem = f"`unique_by` of the job type fails on it: {type(error).__name__}: {error}"
            raise InvalidInputError({"input": [problem]}) from error
    else:
        same = [run_input.get(name) for name in unique_by]
    return hashlib.sha256(json.dumps(same, sort_keys=True).encode()).hexdigest()


def check_uniqueness(owner: str, unique_by: UniqueBy, schema: Mapping[str, Any]) -> None:
    """Refuse a `unique_by` that cannot work. Raises: DeclarationError with a hint."""
    if callable(unique_by):
        if how := never_answers(unique_by):
            hint = "Write a plain function that returns a text: it is called while a run is posted."
            raise DeclarationError(f"{owner}: unique_by is {how}, and nothing awaits it there", hint=hint)
        if len(inspect.signature(unique_by).parameters) != 1:
            hint = 'Write for example unique_by = lambda input: input["order_id"].'
            raise DeclarationError(f"{owner}: unique_by takes the input and nothing else", hint=hint)
    elif unique_by is not None:
        if isinstance(unique_by, str) or not unique_by:
            hint = 'Give names of input fields, as ("order_id",), or a function.'
            raise DeclarationError(f"{owner}: unique_by is {unique_by!r}", hint=hint)
        known = schema.get("properties")
        unknown = [name for name in unique_by if known is not None and name not in known]
        if unknown:
            raise DeclarationError(
                f"{owner}: unique_by names {unknown[0]!r}, which is no field of the input",
                hint=f"Choose among {', '.join(known or ()) or 'none'}.",
            )
