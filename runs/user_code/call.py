"""One call of the project's code: whatever it raises is caught, and whatever state it changes stays its own."""

import contextvars
import decimal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from runs.errors import LeftOpenError, UserCodeError
from runs.user_code.event_loop import plain
from runs.user_code.left_open import Connections


@dataclass(frozen=True, slots=True)
class Returned:
    """It came to its end."""

    value: Any


@dataclass(frozen=True, slots=True)
class Raised:
    """It failed."""

    error: BaseException


def call(function: Callable[[], Any], *, context: contextvars.Context | None = None) -> Returned | Raised:
    """Call it in a copy of the present context, or in the given one; roll back what it leaves open."""
    return (context or contextvars.copy_context()).run(_call, function)


def _call(function: Callable[[], Any]) -> Returned | Raised:
    decimal.setcontext(decimal.getcontext().copy())  # a copied context shares the object
    connections = Connections()
    try:
        ended: Returned | Raised = Returned(function())
    except BaseException as error:
        ended = Raised(error)
    if left_open := connections.restore():
        if isinstance(ended, Returned):
            return Raised(LeftOpenError(left_open))
        ended.error.add_note(left_open)
    return ended


def value_of(ended: Returned | Raised, *, of: str) -> Any:
    """Return what a call returned, or raise what it raised. `of` names the code.

    Raises: UserCodeError for what is raised and is no Exception, such as SystemExit.
    """
    if isinstance(ended, Returned):
        return ended.value
    if isinstance(ended.error, Exception):
        raise ended.error
    raise UserCodeError(f"{of} raised {type(ended.error).__name__}: {words_of(ended.error)}") from ended.error


def words_of(error: BaseException) -> str:
    """The message of an error with its notes; its class if it has none, or cannot tell it."""
    try:
        return " ".join([str(error) or type(error).__name__, *getattr(error, "__notes__", [])])
    except BaseException as second:
        return f"{type(error).__name__} (its message cannot be read: {type(second).__name__})"


def ask_hook(declaration: object, name: str, *args: Any, **kwargs: Any) -> Any:
    """Call a method of a declaration. Raises: as `ask`."""
    return ask(f"{type(declaration).__qualname__}.{name}", getattr(declaration, name), *args, **kwargs)


def ask(of: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a function that must answer at once; `of` names it.

    Raises: UnexpectedAwaitableError if its answer would have to be awaited; UserCodeError; what it raises.
    """
    return value_of(call(lambda: plain(function(*args, **kwargs), of=of)), of=of)
