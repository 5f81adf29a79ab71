"""What an edit has changed, line by line."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from runs.sanitize import cut

LINES_MAX = 400  # beyond, comparing is slow and nobody reads it
LINE_MAX_CHARS = 2000


@dataclass(frozen=True, slots=True)
class Line:
    """One line. `mark` is `-` for one that was taken away, `+` for one that came, else a space."""

    mark: str
    text: str


def diff_of(before: Any, after: Any) -> list[Line] | None:
    """Compare two JSON values as they are shown to people; None if they are too long for that."""
    old, new = _lines(before), _lines(after)
    return None if max(len(old), len(new)) > LINES_MAX else list(_compare(old, new))


def _lines(value: Any) -> list[str]:
    return json.dumps(value, ensure_ascii=False, indent=2).split("\n")


def _compare(old: list[str], new: list[str]) -> Iterator[Line]:
    for kind, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            yield from (_line(" ", text) for text in old[i:j])
        else:
            yield from (_line("-", text) for text in old[i:j])
            yield from (_line("+", text) for text in new[k:m])


def _line(mark: str, text: str) -> Line:
    return Line(mark, cut(text, LINE_MAX_CHARS))
