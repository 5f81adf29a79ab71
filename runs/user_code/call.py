"""One call of the project's code: catch whatever it raises, and isolate the state that it changes."""

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
    """The code returned."""

    value: Any


@dataclass(frozen=True, slots=True)
class Raised:
    """The code raised."""

    error: BaseException


def call(function: Callable[[], Any], *, context: contextvars.Context | None = None) -> Returned | Raised:
    """Call it in a copy of the present context, or in the given one; roll back what it leaves open."""
    return (context or contextvars.copy_context()).run(_call, function)


def _call(function: Callable[[], Any]) -> Returned | Raised:
    decimal.setcontext(decimal.getcontext().copy())  # a copied context shares the decimal context object
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

    Raises: UserCodeError in place of a BaseException such as SystemExit.
    """
    if isinstance(ended, Returned):
        return ended.value
    if isinstance(ended.error, Exception):
        raise ended.error
    raise UserCodeError(f"{of} raised {type(ended.error).__name__}: {words_of(ended.error)}") from ended.error


def words_of(error: BaseException) -> str:
    """Return an error's message with its notes; its class if the message is empty or unreadable."""
    try:
        return " ".join([str(error) or type(error).__name__, *getattr(error, "__notes__", [])])
    except BaseException as second:
        return f"{type(error).__name__} (its message cannot be read: {type(second).__name__})"


def ask_hook(declaration: object, name: str, *args: Any, **kwargs: Any) -> Any:
    """Call a method of a declaration. Raises: as `ask`."""
    return ask(f"{type(declaration).__qualname__}.{name}", getattr(declaration, name), *args, **kwargs)


def ask(of: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a function that must return its result directly; `of` names it.

    Raises: UnexpectedAwaitableError if the result would have to be awaited; UserCodeError; what it raises.
    """
    return value_of(call(lambda: plain(function(*args, **kwargs), of=of)), of=of)
