"""System checks of a pure agentops project: whether `var/` is writable for what is stored there."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured


@register()
def check_var(**_: Any) -> list[CheckMessage]:
    """E001: something is stored under `var/`, which is not writable."""
    var = getattr(settings, "VAR_DIR", None)
    kept = list(_kept_in(Path(var))) if var else []
    problem = _problem(Path(var)) if var and kept else ""
    if not problem:
        return []
    return [
        Error(
            f"{var} cannot be written ({problem}), where is kept: {', '.join(what for what, _ in kept)}",
            hint=f"Set {', '.join(name for _, name in kept)}; or set AGENTOPS_VAR to a folder that can be written.",
            id="agentops.E001",
        )
    ]


def _kept_in(var: Path) -> Iterator[tuple[str, str]]:
    """Name what is stored there, and the variable that moves it elsewhere."""
    if not _has_secret_key():
        yield "the secret key", "SECRET_KEY"
    database = settings.DATABASES["default"]
    if "sqlite3" in database["ENGINE"] and var in Path(str(database["NAME"])).parents:
        yield "the database", "DATABASE_URL"
    if getattr(settings, "EMBEDDED_VALKEY_DIR", None):
        yield "the embedded Valkey", "REDIS_URL"


def _has_secret_key() -> bool:
    try:
        return bool(settings.SECRET_KEY)
    except ImproperlyConfigured:
        return False


def _problem(var: Path) -> str:
    try:
        var.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return str(error.strerror)
    return "" if os.access(var, os.W_OK | os.X_OK) else "it is read-only"
