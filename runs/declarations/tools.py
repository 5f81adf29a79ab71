"""Tools: Python functions that a model may ask for."""

import inspect
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, overload

from pydantic import BaseModel, ValidationError

from runs.declarations.callables import function_of, name_of, signature_of
from runs.declarations.options import (
    LOOKED_AT_ELSEWHERE,
    TEXT,
    TOOL_OPTIONS_NOT_BUILT,
    Option,
    check_values,
    granted,
    is_seconds,
    nearest,
)
from runs.declarations.schema import as_declared, check_schema, model_of, problems_with, pydantic_problems, schema_of
from runs.declarations.tool_checks import (
    Approval,
    RiskOf,
    Verify,
    check_answers,
    check_options,
    check_risk,
    roles_that_may,
)
from runs.errors import DeclarationError, InvalidInputError
from runs.models import Role
from runs.states import Effect, Risk
from runs.user_code.call import call, value_of
from runs.user_code.event_loop import awaited, within

Check = Callable[[], None]

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
            checked = self.model.model_validate_json(_json(arguments), strict=True)
        except ValidationError as error:
            self._check_schema(arguments)  # says it in the schema's words
            raise InvalidInputError(pydantic_problems(error)) from error
        return {name: getattr(checked, name) for name in type(checked).model_fields}

    def _check_schema(self, arguments: Any) -> None:
        problems = problems_with(arguments, self.input_schema)
        if problems:
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


def _are_roles(roles: Any) -> bool:
    return isinstance(roles, list | tuple) and all(isinstance(role, str) and role in list(Role) for role in roles)


_ROLES = ", ".join(Role)
_OPTIONS: Mapping[str, Option] = {
    "name": TEXT,
    "description": TEXT,
    "input_schema": Option(lambda value: isinstance(value, Mapping), "Give a JSON schema as a dict.", or_none=True),
    "effect": TEXT,
    "approval": Option(
        lambda value: isinstance(value, str) or callable(value), "Write 'never', 'always' or f(context, arguments)."
    ),
    "timeout_s": Option(is_seconds, "Give seconds above 0, at most a year."),
    "verify": Option(callable, "Give f(context, arguments) -> result or None.", or_none=True),
    "risk": Option(
        lambda value: isinstance(value, str) or callable(value), "Write a risk, or f(arguments) -> one.", or_none=True
    ),
    "amount": Option(lambda value: isinstance(value, str), "Name the argument that holds USD.", or_none=True),
    "secrets": LOOKED_AT_ELSEWHERE,
    "roles": Option(_are_roles, f'Write for example roles=("operator",); there are {_ROLES}.'),
}


def _json(value: Any) -> str:
    import json

    return json.dumps(value)


@overload
def tool(function: Callable[..., Any], /) -> Tool: ...


@overload
def tool(
    *,
    effect: str = ...,
    approval: Approval = ...,
    timeout_s: float = ...,
    verify: Verify | None = ...,
    risk: str | RiskOf | None = ...,
    amount: str | None = ...,
    secrets: Sequence[str] = ...,
    roles: Sequence[str] = ...,
    name: str | None = ...,
    description: str | None = ...,
) -> Callable[[Callable[..., Any]], Tool]: ...


@overload
def tool(
    *,
    function: Callable[..., Any],
    effect: str = ...,
    approval: Approval = ...,
    timeout_s: float = ...,
    verify: Verify | None = ...,
    risk: str | RiskOf | None = ...,
    amount: str | None = ...,
    secrets: Sequence[str] = ...,
    roles: Sequence[str] = ...,
    name: str | None = ...,
    description: str | None = ...,
    input_schema: Mapping[str, Any] | None = ...,
) -> Tool: ...


def tool(  # noqa: PLR0913 (these are the public names of a tool's options)
    positional: Callable[..., Any] | None = None,
    /,
    *,
    function: Callable[..., Any] | None = None,
    effect: str = "unsafe",
    approval: Approval = "never",
    timeout_s: float = 60.0,
    verify: Verify | None = None,
    risk: str | RiskOf | None = None,
    amount: str | None = None,
    secrets: Sequence[str] = (),
    roles: Sequence[str] = (),
    name: str | None = None,
    description: str | None = None,
    input_schema: Mapping[str, Any] | None = None,
    **unknown: Any,
) -> Any:
    """Declare a tool: as a decorator, or by `tool(name=…, input_schema=…, function=f)`.

    The first parameter of the function is the context. The docstring and the type hints of the others become
    the schema that the model sees, unless an `input_schema` is given, which then applies as written.

    Raises: DeclarationError, with a hint what to write instead.
    """

    def declare(f: Callable[..., Any]) -> Tool:
        _refuse_unknown(f, unknown)
        return _declare(
            f,
            effect=effect,
            approval=approval,
            timeout_s=timeout_s,
            verify=verify,
            risk=risk,
            amount=amount,
            secrets=secrets,
            roles=roles,
            name=name or name_of(f),
            description=description or inspect.getdoc(function_of(f)) or "",
            input_schema=input_schema,
        )

    given = function if positional is None else positional
    return declare if given is None else declare(given)


def _refuse_unknown(f: Any, unknown: Mapping[str, Any]) -> None:
    """Refuse what is no function, and options that do not exist. Raises: DeclarationError with the nearest name."""
    if not callable(f):
        raise DeclarationError(f"tool: {f!r} is no function", hint="Decorate a function with @tool.")
    owner, known = getattr(f, "__qualname__", f), [name for name in Tool.__dataclass_fields__ if name in _OPTIONS]
    for name in unknown:
        near = nearest(name, known)
        hint = f"Write {near}." if near else f"There are {', '.join(known)}."
        hint = f"{name} is not built yet: leave it out." if name in TOOL_OPTIONS_NOT_BUILT else hint
        raise DeclarationError(f"tool {owner!r}: there is no option {name!r}", hint=hint)


def _declare(
    f: Callable[..., Any], *, name: str, description: str, input_schema: Mapping[str, Any] | None, **options: Any
) -> Tool:
    owner = f"tool {name!r}"
    check_values(owner, {"name": name, "description": description, "input_schema": input_schema, **options}, _OPTIONS)
    check_options(owner, name, **options)
    if not description:
        raise DeclarationError(f"{owner} has no docstring", hint="Say in it what the tool does: the model reads it.")
    if not list(signature_of(f).parameters):
        raise DeclarationError(f"{owner} takes no context", hint=f"Write `def {name_of(f)}(context, …)`.")
    model = None
    if input_schema is None:
        model = model_of(f, skip=1)
        input_schema = schema_of(model)
    check_schema(input_schema, owner=owner)
    check_risk(owner, options["risk"], options["amount"], input_schema)
    check_answers(owner, {option: options[option] for option in ("approval", "risk", "verify")})
    options["effect"] = Effect(options["effect"])
    options["secrets"] = granted(owner, options["secrets"])
    options["roles"] = roles_that_may(options["roles"])
    return Tool(name=name, description=description, input_schema=input_schema, function=f, model=model, **options)


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
