"""What the options of a tool must be; each refusal says what to write instead."""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from runs.declarations.callables import never_answers
from runs.errors import DeclarationError
from runs.models import Role
from runs.states import Effect, Risk

Approval = Literal["never", "always"] | Callable[[Any, dict[str, Any]], bool]
Verify = Callable[[Any, dict[str, Any]], Any]
RiskOf = Callable[[dict[str, Any]], str]

_NAME = re.compile(r"^[a-zA-Z0-9_-]{1,64}$")


def check_risk(owner: str, risk: str | RiskOf | None, amount: str | None, input_schema: Mapping[str, Any]) -> None:
    """Refuse a risk that is no level, and an amount that is no argument. Raises: DeclarationError."""
    if amount is not None and amount not in input_schema.get("properties", {}):
        raise DeclarationError(f"{owner}: no argument {amount!r}", hint="`amount` names the argument that holds USD.")
    if risk is not None and not callable(risk) and risk not in set(Risk):
        raise DeclarationError(
            f"{owner}: no risk {risk!r}", hint=f"Write one of {', '.join(Risk)}, or f(arguments) -> one of them."
        )


def check_answers(owner: str, options: Mapping[str, Any]) -> None:
    """Refuse generators where a yes or no is wanted: calling one returns an object, which is always true."""
    for option, function in options.items():
        if callable(function) and (inspect.isasyncgenfunction(function) or never_answers(function) == "a generator"):
            raise DeclarationError(
                f"{owner}: `{option}` is a generator, which never answers",
                hint="Write `return` instead of `yield`; it may be an `async def`.",
            )


def roles_that_may(roles: Sequence[str]) -> tuple[str, ...]:
    """List the roles that may use a tool which demands one of these: admins may do everything."""
    return tuple(str(role) for role in Role if role in roles or (roles and role == Role.ADMIN))


def check_options(owner: str, name: str, *, effect: str, approval: Approval, verify: Verify | None, **_: Any) -> None:
    """Refuse a bad name, effect class or approval, and `verify` without its class. Raises: DeclarationError."""
    effects = ", ".join(e.value for e in Effect)
    if not _NAME.match(name):
        raise DeclarationError(f"{owner}: not a name", hint="Use letters, digits, _ and -, at most 64.")
    if effect not in set(Effect):
        raise DeclarationError(f"{owner}: no effect class {effect!r}", hint=f"Write one of {effects}.")
    if not callable(approval) and approval not in ("never", "always"):
        raise DeclarationError(
            f"{owner}: no approval {approval!r}", hint="Write 'never', 'always' or f(context, arguments)."
        )
    if (effect == Effect.VERIFIABLE) != (verify is not None):
        raise DeclarationError(
            f"{owner}: `verify` and effect='verifiable' go together",
            hint="Give verify=f with f(context, arguments) -> result or None, or choose another effect.",
        )
