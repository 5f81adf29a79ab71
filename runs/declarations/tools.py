"""Tools: Python functions that a model may ask for."""

import inspect
import json
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Annotated, Any, Literal, TypedDict, Unpack, get_type_hints, overload

from pydantic import BaseModel, ValidationError

from runs.declarations.callables import function_of, name_of, never_answers, signature_of
from runs.declarations.options import (
    SECONDS,
    SECRETS,
    TEXT,
    TOOL_OPTIONS_NOT_BUILT,
    Option,
    check_values,
    is_list,
    is_text,
    nearest,
)
from runs.declarations.schema import as_declared, check_schema, model_of, problems_with, pydantic_problems, schema_of
from runs.errors import DeclarationError, InvalidInputError
from runs.models import Role
from runs.states import Effect, Risk
from runs.user_code.call import call, value_of
from runs.user_code.event_loop import awaited, within

Check = Callable[[], None]
Approval = Literal["never", "always"] | Callable[[Any, dict[str, Any]], bool]
Verify = Callable[[Any, dict[str, Any]], Any]
RiskOf = Callable[[dict[str, Any]], str]

RISK_S = 10.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tool:
    """A declared tool. Calling it calls the function, so that tests may use it plainly."""

    name: str
    description: str
    input_schema: Mapping[str, Any]
    function: Callable[..., Any]
    effect: Effect = Effect.UNSAFE
    approval: Approval = "never"
    timeout_s: float = 60.0
    verify: Verify | None = None
    risk: str | RiskOf | None = None  # default: low for `read`, else medium
    amount: str | None = None  # the argument that says how many USD a call moves
    secrets: tuple[str, ...] = ()  # that `context.secret` gives it
    roles: tuple[str, ...] = ()  # of which the run's user must hold one; empty: any member's run may call it
    asks_human: bool = False
    model: type[BaseModel] | None = field(default=None, repr=False)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function itself."""
        return self.function(*args, **kwargs)

    @property
    def definition(self) -> dict[str, Any]:
        """The tool as the model sees it."""
        return {"name": self.name, "description": self.description, "input_schema": dict(self.input_schema)}

    def validate(self, arguments: Any) -> dict[str, Any]:
        """Return the arguments as the function takes them.

        Raises: InvalidInputError naming each field that does not fit.
        """
        arguments = as_declared(arguments, self.input_schema)
        if self.model is None:
            self._check_schema(arguments)
            return dict(arguments)
        try:
            checked = self.model.model_validate_json(json.dumps(arguments), strict=True)
        except ValidationError as error:
            self._check_schema(arguments)  # says it in the schema's words
            raise InvalidInputError(pydantic_problems(error)) from error
        return {name: getattr(checked, name) for name in type(checked).model_fields}

    def _check_schema(self, arguments: Any) -> None:
        if problems := problems_with(arguments, self.input_schema):
            raise InvalidInputError(problems)

    def needs_approval(self, context: Any, arguments: dict[str, Any], check: Check | None = None) -> bool:
        """Say whether a person must agree to this very call. `check` raises when it must not take longer."""
        if callable(self.approval):
            return bool(awaited(self.approval(context, arguments), check))
        return self.approval == "always"

    def risk_of(self, arguments: dict[str, Any], check: Check | None = None) -> Risk:
        """Say how bad a wrong call with these arguments would be. A declaration that cannot tell means the worst.

        Without a `check`, as when a person edits arguments, a coroutine has `RISK_S` to tell.
        """
        risk = self.risk
        if risk is None:
            return Risk.LOW if self.effect == Effect.READ else Risk.MEDIUM
        if not callable(risk):
            return Risk(risk)
        ended = call(lambda: Risk(awaited(risk(arguments), check or within(RISK_S))))
        try:
            return Risk(value_of(ended, of=f"`risk` of the tool {self.name!r}"))
        except Exception:
            log.exception("tool %s: its risk cannot be told", self.name)
            return Risk.HIGH


class ToolOptions(TypedDict, total=False):
    """The options of `@tool`. `Tool` has the defaults; name, description and schema are those of the function."""

    name: Annotated[
        str,
        Option(
            lambda value: is_text(value) and re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", value),
            "Use letters, digits, _ and -, at most 64.",
            said="not a name",
        ),
    ]
    description: Annotated[str, TEXT]
    input_schema: Annotated[
        Mapping[str, Any] | None,
        Option(lambda value: isinstance(value, Mapping), "Give a JSON schema as a dict.", or_none=True),
    ]
    effect: Annotated[
        str,
        Option(
            lambda value: value in list(Effect), f"Write one of {', '.join(Effect)}.", said="no effect class {value}"
        ),
    ]
    approval: Annotated[
        Approval,
        Option(
            lambda value: value in ("never", "always") or callable(value),
            "Write 'never', 'always' or f(context, arguments).",
            said="no approval {value}",
        ),
    ]
    timeout_s: Annotated[float, SECONDS]
    verify: Annotated[Verify | None, Option(callable, "Give f(context, arguments) -> result or None.", or_none=True)]
    risk: Annotated[
        str | RiskOf | None,
        Option(
            lambda value: value in list(Risk) or callable(value),
            f"Write one of {', '.join(Risk)}, or f(arguments) -> one of them.",
            or_none=True,
            said="no risk {value}",
        ),
    ]
    amount: Annotated[str | None, Option(is_text, "Name the argument that holds USD.", or_none=True)]
    secrets: Annotated[Sequence[str], SECRETS]
    roles: Annotated[
        Sequence[str],
        Option(
            lambda value: is_list(value) and all(is_text(role) and role in list(Role) for role in value),
            f'Write for example roles=("operator",); there are {", ".join(Role)}.',
        ),
    ]


_OPTIONS: Mapping[str, Option] = {
    name: hint.__metadata__[0] for name, hint in get_type_hints(ToolOptions, include_extras=True).items()
}


@overload
def tool(function: Callable[..., Any], /) -> Tool: ...


@overload
def tool(*, function: Callable[..., Any], **options: Unpack[ToolOptions]) -> Tool: ...


@overload
def tool(**options: Unpack[ToolOptions]) -> Callable[[Callable[..., Any]], Tool]: ...


def tool(positional: Any = None, /, *, function: Any = None, **options: Any) -> Any:
    """Declare a tool: as a decorator, or by `tool(name=…, input_schema=…, function=f)`.

    The first parameter of the function is the context. The docstring and the type hints of the others become
    the schema that the model sees, unless an `input_schema` is given, which then applies as written.

    Raises: DeclarationError, with a hint what to write instead.
    """
    given = function if positional is None else positional
    return partial(_declare, options) if given is None else _declare(options, given)


def _declare(options: dict[str, Any], f: Callable[..., Any]) -> Tool:
    _refuse_unknown(f, options)
    options = {"name": None, "description": None, "input_schema": None} | options
    options["name"] = options["name"] or name_of(f)
    options["description"] = options["description"] or inspect.getdoc(function_of(f)) or ""
    owner = f"tool {options['name']!r}"
    check_values(owner, options, _OPTIONS)
    if not options["description"]:
        raise DeclarationError(f"{owner} has no docstring", hint="Say in it what the tool does: the model reads it.")
    if not list(signature_of(f).parameters):
        raise DeclarationError(f"{owner} takes no context", hint=f"Write `def {name_of(f)}(context, …)`.")
    model = model_of(f, skip=1) if options["input_schema"] is None else None
    if model:
        options["input_schema"] = schema_of(model)
    declared = Tool(**options, function=f, model=model)
    _check_together(owner, declared)
    return replace(
        declared,
        effect=Effect(declared.effect),
        secrets=tuple(declared.secrets),
        # Admins may do everything.
        roles=tuple(str(role) for role in Role if role in declared.roles or (declared.roles and role == Role.ADMIN)),
    )


def _refuse_unknown(f: Any, options: Mapping[str, Any]) -> None:
    """Refuse what is no function, and options that do not exist. Raises: DeclarationError with the nearest name."""
    if not callable(f):
        raise DeclarationError(f"tool: {f!r} is no function", hint="Decorate a function with @tool.")
    for name in options:
        if name not in _OPTIONS:
            near = nearest(name, _OPTIONS)
            hint = f"Write {near}." if near else f"There are {', '.join(_OPTIONS)}."
            hint = f"{name} is not built yet: leave it out." if name in TOOL_OPTIONS_NOT_BUILT else hint
            owner = getattr(f, "__qualname__", f)
            raise DeclarationError(f"tool {owner!r}: there is no option {name!r}", hint=hint)


def _check_together(owner: str, declared: Tool) -> None:
    """Refuse options that do not fit each other, the schema, or the way they are called. Raises: DeclarationError."""
    if (declared.effect == Effect.VERIFIABLE) != (declared.verify is not None):
        hint = "Give verify=f with f(context, arguments) -> result or None, or choose another effect."
        raise DeclarationError(f"{owner}: `verify` and effect='verifiable' go together", hint=hint)
    check_schema(declared.input_schema, owner=owner)
    if declared.amount is not None and declared.amount not in declared.input_schema.get("properties", {}):
        hint = "`amount` names the argument that holds USD."
        raise DeclarationError(f"{owner}: no argument {declared.amount!r}", hint=hint)
    for option in ("approval", "risk", "verify"):  # calling a generator returns an object, which is always true
        function = getattr(declared, option)
        if callable(function) and (inspect.isasyncgenfunction(function) or never_answers(function) == "a generator"):
            hint = "Write `return` instead of `yield`; it may be an `async def`."
            raise DeclarationError(f"{owner}: `{option}` is a generator, which never answers", hint=hint)


def _ask_human(context: Any, question: str) -> str:
    """Ask the person who started this run a question and wait for the answer."""
    raise RuntimeError("answered by a person, never called")


ask_human = Tool(
    name="ask_human",
    description=inspect.getdoc(_ask_human) or "",
    input_schema=schema_of(model_of(_ask_human, skip=1)),
    function=_ask_human,
    effect=Effect.READ,
    asks_human=True,
)
