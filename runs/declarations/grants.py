"""Which secrets a tool or a job may read: those that its declaration names, and no others."""

import re
from typing import Any

from runs.errors import DeclarationError

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
