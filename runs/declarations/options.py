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
from runs.states import Lane, OnConflict

SECONDS_MAX = 365 * 24 * 3600  # larger values overflow the calendar
_INTEGER_MAX = 2**31 - 1
_USD_MAX = 1_000_000  # the maximum of the columns
_CLOSE = 0.8  # similarity above which a name counts as misspelt

NOT_BUILT = frozenset(
    "thinking effort tool_choice stop_sequences service_tier server_tools fallback_models context".split()
)
TOOL_OPTIONS_NOT_BUILT = frozenset({"summary", "simulate"})
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


def is_text(value: Any) -> bool:
    """Say whether this is a text."""
    return isinstance(value, str)


def is_list(value: Any) -> bool:
    """Say whether this is a list or a tuple."""
    return isinstance(value, list | tuple)


def _is_number(value: Any) -> bool:
    is_number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    return is_number and math.isfinite(value)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _INTEGER_MAX


def _is_name(value: Any) -> bool:
    return is_text(value) and value.replace("_", "").replace("-", "").isalnum() and len(value) <= 100


@dataclass(frozen=True, slots=True)
class Option:
    """The values that an option accepts; for any other, the message, with {name} and {value}, and the hint."""

    fits: Callable[[Any], bool]
    write: str
    or_none: bool = False
    said: str = "{name} is {value}"


TEXT = Option(is_text, "Write a text.")
SECONDS = Option(is_seconds, "Give seconds above 0, at most a year.")
SECRETS = Option(
    lambda value: is_list(value) and all(is_text(one) and re.fullmatch(r"[A-Za-z0-9_]+", one) for one in value),
    'Write their names, for example secrets=("mail",) for the variable AGENTOPS_SECRET_MAIL.',
)
_SCHEMA = Option(
    lambda value: isinstance(value, Mapping) or (isinstance(value, type) and issubclass(value, BaseModel)),
    "Give a pydantic model, or a JSON schema as a dict.",
    or_none=True,
)
_WINDOW = Option(is_seconds, "Give seconds above 0, or None.", or_none=True)
_COUNT = Option(_is_whole, "Give a whole number above 0.")
_CACHE_TTLS = ("5m", "1h")  # what the provider offers

OPTIONS: Mapping[str, Option] = {
    "name": Option(
        _is_name,
        'Write for example name = "refund" (letters, digits, _ and -).',
        said="{name} = {value} is not a name",
    ),
    "description": TEXT,
    "queue": Option(is_text, 'Write the name of a queue, such as queue = "agents".'),
    "input_schema": _SCHEMA,
    "output_schema": _SCHEMA,
    "timeout_s": SECONDS,
    "max_running_per_tenant": Option(_is_whole, "Give a whole number above 0, or None.", or_none=True),
    "retry": Option(
        lambda value: isinstance(value, RetryPolicy), "Write for example retry = Linear(step_s=30).", or_none=True
    ),
    "retry_delays_s": Option(
        lambda value: is_list(value) and all(one == 0 or is_seconds(one) for one in value),
        "Give pauses in seconds, such as (10, 60).",
        or_none=True,
    ),
    "unique_by": Option(
        lambda value: is_text(value) or callable(value) or is_list(value),
        "Give names of input fields, or f(input) -> str.",
        or_none=True,
    ),
    "on_conflict": Option(lambda value: value in list(OnConflict), f"Choose one of {', '.join(OnConflict)}."),
    "unique_for_s": _WINDOW,
    "fresh_for_s": _WINDOW,
    "errors": Option(lambda value: isinstance(value, Mapping), "Give a dict of exception classes and their kinds."),
}
AGENT_OPTIONS: Mapping[str, Option] = {
    **OPTIONS,
    "model": Option(is_text, 'Write for example model = "claude-sonnet-5-5".'),
    "system": TEXT,
    "tools": Option(is_list, "Give a list of tools, such as tools = [issue_refund]."),
    "max_cost_usd": Option(
        lambda value: _is_number(value) and 0 <= value < _USD_MAX,
        "Give USD as a number, such as 0.50, or None.",
        or_none=True,
    ),
    "max_steps": _COUNT,
    "max_tokens": _COUNT,
    "converses": Option(lambda value: isinstance(value, bool), "Write True or False."),
    "lane": Option(lambda value: value in list(Lane), 'Write lane = "batch", or leave it out.'),
    "cache_ttl": Option(
        lambda value: value in _CACHE_TTLS,
        f"Choose one of {', '.join(map(repr, _CACHE_TTLS))}, or leave it out: it is chosen by the tools.",
        or_none=True,
    ),
}
JOB_OPTIONS: Mapping[str, Option] = {**OPTIONS, "secrets": SECRETS}


def check_values(owner: str, values: Mapping[str, Any], options: Mapping[str, Option]) -> None:
    """Refuse values that an option does not accept. Raises: DeclarationError with what to write."""
    for name, value in values.items():
        option = options[name]
        if not (option.or_none and value is None) and not option.fits(value):
            said = option.said.format(name=name, value=repr(value)[:100])
            raise DeclarationError(f"{owner}: {said}", hint=option.write)


def check_attributes(
    owner: str, declared: type, own: type, options: Mapping[str, Option], hooks: Iterable[str]
) -> None:
    """Refuse attributes that look like options or hooks and would be ignored. A project's own ones are left alone.

    `own` is the class of ours that was subclassed. Raises: DeclarationError with what was probably meant.
    """
    missing = [name for name in hooks if inspect.getattr_static(declared, name) is inspect.getattr_static(own, name)]
    theirs = [cls for cls in declared.__mro__ if cls not in own.__mro__]
    for name, value in [item for cls in theirs for item in vars(cls).items()]:
        if name.startswith("_") or isinstance(value, type):
            continue
        is_value = not callable(value) and not hasattr(value, "__get__")
        if nearest(name, ["approval"]):
            hint = 'approval is an option of tools: write for example @tool(approval="always").'
            raise DeclarationError(f"{owner}: there is no {'option' if is_value else 'hook'} {name!r}", hint=hint)
        if objection := _objection_to_value(name, own, options) if is_value else _objection_to_hook(name, own, missing):
            said = "there is no option" if is_value else "nothing calls"
            raise DeclarationError(f"{owner}: {said} {name!r}", hint=objection)


def _objection_to_value(name: str, own: type, options: Mapping[str, Option]) -> str | None:
    if name in options:
        return None
    if name in NOT_BUILT:
        return f"{name} is not built yet: leave it out."
    if name in AGENT_OPTIONS:
        return f"{name} is an option of agents, and this is a {own.__name__.lower()}: leave it out."
    if near := nearest(name, options):
        return _write_instead(near)
    return f"The name {name} is taken: choose another one." if hasattr(own, name) else None


def _objection_to_hook(name: str, own: type, missing: Iterable[str]) -> str | None:
    near = nearest(name, missing)
    if near is None or hasattr(own, name) or near[0] != name[0]:  # another first letter: send_user is not end_user
        return None
    return _write_instead(near)


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
