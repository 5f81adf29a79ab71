"""Refuse tool calls whose arguments hold a secret: store them without it and tell the model what to do instead.

A call is made with exactly the arguments that are stored, hashed and shown; without the secret they are no longer what
the model meant. Source: docs/adr/0009-secrets-in-arguments.md.
"""

from collections.abc import Mapping
from typing import Any

from runs.engine.journal import Journal
from runs.models import Step
from runs.sanitize import clean
from runs.storable import storable

UNFIT_CALLS = "unfit_calls"  # key beside the content of an answer: the positions of such calls

_SAY = (
    "The call was not made: its arguments hold what is, or looks like, a secret, and secrets are not stored. "
    "Call the tool again without it: a tool reads the secrets that it needs by itself."
)


def calls_with_secrets(message: Mapping[str, Any]) -> list[int]:
    """List the positions of such calls in an answer, as noted when it was stored, else by looking at it."""
    noted: list[int] | None = message.get(UNFIT_CALLS)
    if noted is not None:
        return noted
    given = [block.get("input") for block in message["content"] if block.get("type") == "tool_use"]
    return [place for place, arguments in enumerate(given) if storable(arguments) != clean(arguments)]


def refuse(journal: Journal, step: Step) -> None:
    """End a planned call without making it, and tell the model why; the turn goes on."""
    journal.fail(step, kind="secret_in_arguments", message=_SAY, result={"text": _SAY})
