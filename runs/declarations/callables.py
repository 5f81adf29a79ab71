"""Inspect callables of any kind: functions, methods, partials, callable objects."""

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any

from asgiref.sync import AsyncToSync, SyncToAsync

from runs.errors import DeclarationError


def function_of(callable_: Callable[..., Any]) -> Callable[..., Any]:
    """Find the function behind a callable; it has the name and the type hints."""
    while isinstance(callable_, functools.partial | SyncToAsync | AsyncToSync):
        callable_ = callable_.awaitable if isinstance(callable_, AsyncToSync) else callable_.func
    return callable_ if hasattr(callable_, "__name__") else type(callable_).__call__


def signature_of(callable_: Callable[..., Any]) -> inspect.Signature:
    """Read the parameters that are still open."""
    return inspect.signature(function_of(callable_) if isinstance(callable_, SyncToAsync | AsyncToSync) else callable_)


def name_of(callable_: Callable[..., Any]) -> str:
    """Name a callable; a callable object by its class."""
    function = function_of(callable_)
    return type(callable_).__name__ if function.__name__ == "__call__" else str(function.__name__)


def never_answers(callable_: Any) -> str:
    """Say why calling it does not return its answer (asynchronous, or a generator); empty if it does."""
    function = callable_
    while isinstance(function, functools.partial):
        function = function.func
    function = function if inspect.isroutine(function) else type(function).__call__
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        return "asynchronous"
    return "a generator" if inspect.isgeneratorfunction(function) else ""


def check_hooks(declaration: object, base: type, *, allowed: tuple[str, ...] = ()) -> None:
    """Refuse hooks that do not return their answer directly. `base` declares what may be overridden.

    Raises: DeclarationError.
    """
    for name, method in _overridden(type(declaration), base):
        if name not in allowed and (how := never_answers(method)):
            raise DeclarationError(
                f"{type(declaration).__qualname__}.{name} is {how}, and nothing awaits it there",
                hint=f"Write a plain `def {name}(…)` that returns a value. Tools, their `approval`, `risk` and "
                "`verify`, and `run` and the steps of a job may be asynchronous.",
            )


def _overridden(declared: type, base: type) -> Iterator[tuple[str, Callable[..., Any]]]:
    for name in dir(base):
        attribute = inspect.getattr_static(declared, name)
        if name.startswith("_") or attribute is inspect.getattr_static(base, name):
            continue
        for part in ("__func__", "fget", "func"):  # of a static or class method, a property, a cached property
            attribute = getattr(attribute, part, attribute)
        if callable(attribute) and not isinstance(attribute, type):
            yield name, attribute
