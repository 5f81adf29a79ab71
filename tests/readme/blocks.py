"""Read a Markdown page: its fenced blocks with the marks above them, and its tables."""

import re
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(
    r"(?:^<!-- (?P<mark>[^\n]*?) -->\n+)?^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
_ROW = re.compile(r"^\| (.+) \|$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block. `mark` is the text of the HTML comment right above it."""

    language: str
    text: str
    line: int
    mark: str = ""

    @property
    def skipped(self) -> bool:
        """Whether it may be left out: only for these reasons."""
        return self.mark.startswith("needs: ") or self.mark == "is: make test"


def blocks_of(page: Path) -> list[Block]:
    """Find the blocks of a page, in order."""
    text = page.read_text()
    return [
        Block(found["language"], found["text"], text.count("\n", 0, found.start("language")) + 1, found["mark"] or "")
        for found in _BLOCK.finditer(text)
    ]


def rows_of(text: str) -> list[list[str]]:
    """Find the rows of all tables in a text, cells without the marks of code."""
    rows = [[cell.strip() for cell in row.split(" | ")] for row in _ROW.findall(text)]
    return [[cell.strip("`") for cell in row] for row in rows if not set(row[0]) <= set("-: |")]
