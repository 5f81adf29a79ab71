"""Options of declarations: the values each one accepts, and names that look like misspelt options. Pure."""

import inspect
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from difflib import SequenceMatcher, get_close_matches
from typing import Any

from pydantic import BaseModel

from runs.declarations.retry_policies import RetryPolicy
from runs.errors import DeclarationError

SECONDS_MAX = 365 * 24 * 3600  # larger values overflow the calendar
_INTEGER_MAX = 2**31 - 1
_USD_MAX = 1_000_000  # the maximum of the columns
_CLOSE = 0.8  # similarity above which a name counts as misspelt

NOT_BUILT = frozenset(
    "thinking effort tool_choice stop_sequences service_tier server_tools fallback_models context".split()
)
TOOL_OPTIONS_NOT_BUILT = frozenset({"summary", "simulate"})
_OF_TOOLS = "approval"
_OF_TOOLS_HINT = 'approval is an option of tools: write for example @tool(approval="always").'
_ELSEWHERE = {  # names used by other frameworks
    "retries": "retry",
    "max_retries": "retry",
    "queue_name": "queue",
    "system_prompt": "system",
    "max_turns": "max_steps",
    "max_iterations": "max_steps",
    "max_budget_usd": "max_cost_usd",
}
AGENT_HOOKS = ("prompt", "end_user", "unique_by")  # what a project may define as a function
JOB_HOOKS = ("run", "unique_by")


def is_seconds(value: Any) -> bool:
    """Say whether this is a number of seconds above 0 and at most a year."""
    return _is_number(value) and 0 < value <= SECONDS_MAX


def is_whole(value: Any) -> bool:
    """Say whether this is a whole number from 1 on."""
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _INTEGER_MAX


def _is_number(value: Any) -> bool:
    is_number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    return is_number and math.isfinite(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_schema(value: Any) -> bool:
    return isinstance(value, Mapping) or (isinstance(value, type) and issubclass(value, BaseModel))


def _is_usd(value: Any) -> bool:
    return _is_number(value) and 0 <= value < _USD_MAX


def _are_pauses(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(one == 0 or is_seconds(one) for one in value)


def _says_what_is_unique(value: Any) -> bool:
    return isinstance(value, str) or callable(value) or _is_list(value)


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)


@dataclass(frozen=True, slots=True)
class Option:
    """The values that an option accepts, and the hint for any other."""

    fits: Callable[[Any], bool]
    write: str
    or_none: bool = False


LOOKED_AT_ELSEWHERE = Option(lambda _: True, "")
TEXT = Option(_is_text, "Write a text.")
_SCHEMA = Option(_is_schema, "Give a pydantic model, or a JSON schema as a dict.", or_none=True)
_WINDOW = Option(is_seconds, "Give seconds above 0, or None.", or_none=True)
_COUNT = Option(is_whole, "Give a whole number above 0.")

OPTIONS: Mapping[str, Option] = {
    "name": Option(_is_text, 'Write for example name = "refund" (letters, digits, _ and -).'),
    "description": TEXT,
    "queue": Option(_is_text, 'Write the name of a queue, such as queue = "agents".'),
    "input_schema": _SCHEMA,
    "output_schema": _SCHEMA,
    "timeout_s": Option(is_seconds, "Give seconds above 0, at most a year."),
    "max_running_per_tenant": Option(is_whole, "Give a whole number above 0, or None.", or_none=True),
    "retry": Option(
        lambda value: isinstance(value, RetryPolicy), "Write for example retry = Linear(step_s=30).", or_none=True
    ),
    "retry_delays_s": Option(_are_pauses, "Give pauses in seconds, such as (10, 60).", or_none=True),
    "unique_by": Option(_says_what_is_unique, "Give names of input fields, or f(input) -> str.", or_none=True),
    "on_conflict": TEXT,
    "unique_for_s": _WINDOW,
    "fresh_for_s": _WINDOW,
    "errors": Option(lambda value: isinstance(value, Mapping), "Give a dict of exception classes and their kinds."),
}
AGENT_OPTIONS: Mapping[str, Option] = {
    **OPTIONS,
    "model": Option(_is_text, 'Write for example model = "claude-sonnet-5-5".'),
    "system": TEXT,
    "tools": Option(_is_list, "Give a list of tools, such as tools = [issue_refund]."),
    "max_cost_usd": Option(_is_usd, "Give USD as a number, such as 0.50, or None.", or_none=True),
    "max_steps": _COUNT,
    "max_tokens": _COUNT,
    "converses": Option(lambda value: isinstance(value, bool), "Write True or False."),
    "lane": Option(_is_text, 'Write lane = "batch", or leave it out.'),
    "cache_ttl": LOOKED_AT_ELSEWHERE,
}
JOB_OPTIONS: Mapping[str, Option] = {**OPTIONS, "secrets": LOOKED_AT_ELSEWHERE}


def check_values(owner: str, values: Mapping[str, Any], options: Mapping[str, Option]) -> None:
    """Refuse values that an option does not accept. Raises: DeclarationError with what to write."""
    for name, value in values.items():
        option = options[name]
        if not (option.or_none and value is None) and not option.fits(value):
            raise DeclarationError(f"{owner}: {name} is {repr(value)[:100]}", hint=option.write)


def check_names(owner: str, declared: type, own: type, options: Mapping[str, Option], *, form: str) -> None:
    """Refuse attributes that look like options but would be ignored. A project's own attributes are left alone.

    `own` is the class of ours that was subclassed. Raises: DeclarationError with the nearest option.
    """
    ours = {name for name in dir(own) if not name.startswith("_")}
    for cls in declared.__mro__:
        for name in _values_of(cls) if cls not in own.__mro__ else ():
            hint = _objection_to(name, options, ours, form)
            if hint:
                raise DeclarationError(f"{owner}: there is no option {name!r}", hint=hint)


def check_hook_names(owner: str, declared: type, own: type, hooks: Iterable[str]) -> None:
    """Refuse functions whose name nearly matches an undefined hook: nothing would call them.

    `own` as for `check_names`. Raises: DeclarationError with the hook that was probably meant.
    """
    missing = [name for name in hooks if inspect.getattr_static(declared, name) is inspect.getattr_static(own, name)]
    for cls in declared.__mro__:
        for name in _functions_of(cls) if cls not in own.__mro__ else ():
            if nearest(name, [_OF_TOOLS]):
                raise DeclarationError(f"{owner}: there is no hook {name!r}", hint=_OF_TOOLS_HINT)
            near = nearest(name, missing)
            if near and near[0] == name[0] and not hasattr(own, name):  # same first letter: send_user is not end_user
                raise DeclarationError(f"{owner}: nothing calls {name!r}", hint=_write_instead(near))


def _functions_of(cls: type) -> list[str]:
    """List the public methods, properties and functions of a class, without nested classes."""
    values = _values_of(cls)
    return [
        name
        for name, value in vars(cls).items()
        if not name.startswith("_") and name not in values and not isinstance(value, type)
    ]


def _values_of(cls: type) -> list[str]:
    """List the public plain values of a class, without methods, properties or nested classes."""
    return [
        name
        for name, value in vars(cls).items()
        if not name.startswith("_") and not callable(value) and not hasattr(value, "__get__")
    ]


def _objection_to(name: str, options: Mapping[str, Option], ours: Iterable[str], form: str) -> str | None:
    if name in options:
        return None
    if name in NOT_BUILT:
        return f"{name} is not built yet: leave it out."
    if name in AGENT_OPTIONS:
        return f"{name} is an option of agents, and this is a {form}: leave it out."
    if nearest(name, [_OF_TOOLS]):
        return _OF_TOOLS_HINT
    if near := nearest(name, options):
        return _write_instead(near)
    return f"The name {name} is taken: choose another one." if name in ours else None


def _write_instead(near: str) -> str:
    return f"Write {near}; what is your own needs a name that is less alike, or begins with _."


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Find the name that was probably meant; None if no name is similar enough."""
    known = list(known)
    meant = _ELSEWHERE.get(name)
    if meant in known:
        return meant
    close = get_close_matches(name, known, n=1, cutoff=_CLOSE)
    shortened = [one for one in known if one.startswith(name) and SequenceMatcher(None, name, one).ratio() >= 0.75]
    return next(iter([*close, *shortened]), None)


_NAME = re.compile(r"[A-Za-z0-9_]+")


def granted(owner: str, secrets: Any) -> tuple[str, ...]:
    """Read the names of secrets that a declaration grants, in lower case. Raises: DeclarationError with a hint."""
    names = list(secrets) if isinstance(secrets, list | tuple) else [None]
    if not all(isinstance(name, str) and _NAME.fullmatch(name) for name in names):
        raise DeclarationError(
            f"{owner}: secrets is {secrets!r}",
            hint='Write their names, for example secrets=("mail",) for the variable AGENTOPS_SECRET_MAIL.',
        )
    return tuple(str(name).lower() for name in names)
