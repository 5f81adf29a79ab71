"""Hooks: methods of a declaration that must answer at once, such as `prompt`."""

from collections.abc import Callable
from typing import Any

from runs.user_code.call import call, value_of
from runs.user_code.event_loop import plain


def ask_hook(declaration: object, name: str, *args: Any, **kwargs: Any) -> Any:
    """Call a method of a declaration. Raises: as `ask`."""
    return ask(f"{type(declaration).__qualname__}.{name}", getattr(declaration, name), *args, **kwargs)


def ask(of: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a function that must answer at once; `of` names it.

    Raises: UnexpectedAwaitableError if its answer would have to be awaited; UserCodeError; what it raises.
    """
    return value_of(call(lambda: plain(function(*args, **kwargs), of=of)), of=of)
