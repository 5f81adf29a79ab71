"""Scripts as JSON files: reading and validating them. What a script does is in `scripts.py`."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from agentops.offline.conversation import template_error
from agentops.offline.faults import FOR_EVER, HANG_AFTER, KINDS, Fault
from agentops.offline.jsontext import JsonObject
from agentops.offline.scripts import ENDED, Script, ScriptedTurn, When

SCRIPT_FIELDS = frozenset({"name", "when", "turns", "otherwise", "faults"})
TURN_EXTRAS = frozenset({"stop_sequence", "stop_details"})
TURN_FIELDS = frozenset({"content", "stop_reason", "delay_s", "faults", "as_written"}) | TURN_EXTRAS

ScriptSource = str | Path | Mapping[str, Any]


class ScriptError(ValueError):
    """A script that cannot be used; the message names the file and the field."""

    def __init__(self, source: str, field: str, problem: str) -> None:
        super().__init__(f"{source}: {field}: {problem}")


def load_scripts(sources: Iterable[ScriptSource]) -> tuple[Script, ...]:
    """Read every script of the given directories, files and mappings.

    Raises: ScriptError for the first one that is not valid, and for a name used twice.
    """
    scripts: list[Script] = []
    for source, value in _documents(sources):
        script = _Reader(source).script(value)
        if any(script.name == other.name for other in scripts):
            raise ScriptError(source, "name", f"another script is called {script.name!r} too")
        scripts.append(script)
    return tuple(scripts)


def _documents(sources: Iterable[ScriptSource]) -> Iterator[tuple[str, Any]]:
    for source in sources:
        if isinstance(source, Mapping):
            yield "(script)", source
            continue
        path = Path(source)
        if not path.exists():
            raise ScriptError(str(path), "path", "there is no such file or directory")
        for file in sorted(path.glob("*.json")) if path.is_dir() else [path]:
            try:
                yield str(file), json.loads(file.read_text(encoding="utf-8"))
            except ValueError as error:
                raise ScriptError(str(file), "file", f"not valid JSON: {error}") from error


class _Reader:
    """Turn one document into a script, failing at the first wrong field."""

    def __init__(self, source: str) -> None:
        self._source = source

    def script(self, value: Any) -> Script:
        self._object("script", value, SCRIPT_FIELDS)
        name = value.get("name")
        self._require(isinstance(name, str) and name != "", "name", "a non-empty string is required")
        turns = value.get("turns", [])
        self._require(isinstance(turns, list), "turns", "should be a list")
        otherwise = value.get("otherwise")
        return Script(
            name=name,
            when=self._when(value.get("when") or {}),
            turns=tuple(self._turn(f"turns.{index}", turn) for index, turn in enumerate(turns)),
            otherwise=ENDED if otherwise is None else self._turn("otherwise", otherwise),
            faults=self._faults("faults", value.get("faults", [])),
        )

    def _when(self, value: Any) -> When:
        self._object("when", value, frozenset(field.name for field in fields(When)))
        for name, text in value.items():
            holds = text is None or (isinstance(text, str) and text)
            self._require(holds, f"when.{name}", "should be a non-empty string or null")
        return When(**value)

    def _turn(self, where: str, value: Any) -> ScriptedTurn:
        self._object(where, value, TURN_FIELDS)
        content = value.get("content")
        self._require(isinstance(content, list), f"{where}.content", "a list of blocks is required")
        as_written = value.get("as_written", False)
        self._require(isinstance(as_written, bool), f"{where}.as_written", "should be true or false")
        for index, block in enumerate(content):
            self._block(f"{where}.content.{index}", block, as_written=as_written)
        stop_reason = value.get("stop_reason") or _default_stop_reason(content)
        self._require(isinstance(stop_reason, str), f"{where}.stop_reason", "should be a string")
        delay_s = value.get("delay_s", 0)
        self._require(_is_number(delay_s), f"{where}.delay_s", "should be a number of seconds")
        return ScriptedTurn(
            content=content,
            stop_reason=stop_reason,
            delay_s=delay_s,
            as_written=as_written,
            faults=self._faults(f"{where}.faults", value.get("faults", [])),
            extras={name: value[name] for name in sorted(TURN_EXTRAS & set(value))},
        )

    def _block(self, where: str, block: Any, *, as_written: bool) -> None:
        self._require(isinstance(block, dict), where, "should be an object")
        self._require(isinstance(block.get("type"), str), f"{where}.type", "a string is required")
        if as_written:
            return
        if block["type"] == "text":
            text = block.get("text")
            self._require(isinstance(text, str) and text, f"{where}.text", "a non-empty string is required")
            self._templates(f"{where}.text", text)
        if block["type"] in ("tool_use", "server_tool_use"):
            self._require(isinstance(block.get("name"), str), f"{where}.name", "a string is required")
            self._require(isinstance(block.get("input"), dict), f"{where}.input", "an object is required")
            self._templates(f"{where}.input", block["input"])

    def _templates(self, where: str, value: Any) -> None:
        if isinstance(value, str):
            problem = template_error(value)
            self._require(problem is None, where, problem or "")
        elif isinstance(value, dict | list):
            for key, item in value.items() if isinstance(value, dict) else enumerate(value):
                self._templates(f"{where}.{key}", item)

    def _faults(self, where: str, value: Any) -> tuple[Fault, ...]:
        self._require(isinstance(value, list), where, "should be a list")
        return tuple(self._fault(f"{where}.{index}", fault) for index, fault in enumerate(value))

    def _fault(self, where: str, value: Any) -> Fault:
        self._require(isinstance(value, dict), where, "should be an object")
        kind = value.get("kind")
        self._require(isinstance(kind, str) and kind in KINDS, f"{where}.kind", f"should be one of {', '.join(KINDS)}")
        self._object(where, value, frozenset({"kind", "times", "for_s", *KINDS[kind]}))
        times = value.get("times", 1)
        counts = type(times) is int and times >= FOR_EVER
        self._require(counts, f"{where}.times", "should be a whole number, -1 for always")
        for_s = value.get("for_s")
        self._require(for_s is None or _is_number(for_s), f"{where}.for_s", "should be a number of seconds")
        given = {name: option for name, option in value.items() if option is not None}
        options = {name: given.get(name, default) for name, default in KINDS[kind].items()}
        for name, option in options.items():
            self._option(f"{where}.{name}", KINDS[kind][name], option)
        self._require(options.get("after", "nothing") in HANG_AFTER, f"{where}.after", f"one of {HANG_AFTER}")
        return Fault(kind, times, options, for_s)

    def _option(self, where: str, default: Any, option: Any) -> None:
        if where.endswith(("_s", "seconds", "_per_byte")) and option is not None:
            self._require(_is_number(option), where, "should be a number of seconds")
        elif default is not None:
            alike = type(option) is type(default) and (not isinstance(option, int) or option >= 0)
            self._require(alike, where, f"should be like {default!r}")

    def _object(self, where: str, value: Any, allowed: frozenset[str]) -> None:
        self._require(isinstance(value, dict | Mapping), where, "should be an object")
        unknown = sorted(set(value) - allowed)
        self._require(not unknown, f"{where}.{unknown[0]}" if unknown else where, "unknown field")

    def _require(self, holds: object, where: str, problem: str) -> None:
        if not holds:
            raise ScriptError(self._source, where, problem)


def _default_stop_reason(content: list[JsonObject]) -> str:
    return "tool_use" if any(block.get("type") == "tool_use" for block in content) else "end_turn"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
