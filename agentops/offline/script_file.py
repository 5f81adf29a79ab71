"""Scripts as JSON files: reading them. What a script may say is in `scripts.py`."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from agentops.offline.errors import first_problem
from agentops.offline.scripts import Script

ScriptSource = str | Path | Mapping[str, Any]


class ScriptError(ValueError):
    """A script that cannot be used; the message names the file and the field."""

    def __init__(self, source: str, field: str, problem: str) -> None:
        super().__init__(f"{source}: {field}: {problem}")


def load_scripts(sources: Iterable[ScriptSource]) -> tuple[Script, ...]:
    """Read every script of the given directories, files and mappings.

    Raises: ScriptError for the first one that is not valid, and for a name used twice.
    """
    scripts: dict[str, Script] = {}
    for source, value in _documents(sources):
        script = _read(source, value)
        if script.name in scripts:
            raise ScriptError(source, "name", f"another script is called {script.name!r} too")
        scripts[script.name] = script
    return tuple(scripts.values())


def _documents(sources: Iterable[ScriptSource]) -> Iterator[tuple[str, Any]]:
    for source in sources:
        if isinstance(source, Mapping):
            yield "(script)", dict(source)
            continue
        path = Path(source)
        if not path.exists():
            raise ScriptError(str(path), "path", "there is no such file or directory")
        for file in sorted(path.glob("*.json")) if path.is_dir() else [path]:
            try:
                yield str(file), json.loads(file.read_text(encoding="utf-8"))
            except ValueError as error:
                raise ScriptError(str(file), "file", f"not valid JSON: {error}") from error


def _read(source: str, value: Any) -> Script:
    try:
        return Script.model_validate(value)
    except ValidationError as error:
        field, problem = first_problem(error)
        if isinstance(value, Mapping) and field in value.keys() - Script.model_fields:
            field = f"script.{field}"
        raise ScriptError(source, field or "script", problem) from error
