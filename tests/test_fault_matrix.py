"""The table of faults in `docs/reliability.md` is held against the tests that carry their numbers.

A test that proves a row says so by `@pytest.mark.fault(number)`, on itself or on one of its parameters. Sources are
read, not run.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.readme.terminals import ROOT

ROWS = range(1, 56)
PAGE = ROOT / "docs" / "reliability.md"
_NAME = re.compile(r"`(test_\w+)`")


def numbers_on(function: ast.FunctionDef) -> set[int]:
    """Read the numbers from the marks of a test and of its parameters."""
    calls = [node for mark in function.decorator_list for node in ast.walk(mark) if isinstance(node, ast.Call)]
    marks = [call for call in calls if ast.unparse(call.func) == "pytest.mark.fault"]
    return {ast.literal_eval(number) for call in marks for number in call.args}


def numbered(source: str) -> Iterator[tuple[str, set[int]]]:
    """Name each test of a file, with its numbers."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node.name, numbers_on(node)


def marked() -> dict[int, set[str]]:
    """Collect the tests of each row. A name that two files use could be either, and is refused."""
    proofs: dict[int, set[str]] = defaultdict(set)
    seen: dict[str, Path] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for name, numbers in numbered(path.read_text()):
            for number in numbers:
                assert seen.setdefault(name, path) == path, f"{name} is in {seen[name]} and in {path}"
                proofs[number].add(name)
    return proofs


def listed(page: str) -> dict[int, tuple[set[str], str]]:
    """Read the table: for each row, the tests it names and what it says besides. Each row stands there once."""
    rows = re.findall(r"^\| (\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", page, re.MULTILINE)
    numbers = [int(row[0]) for row in rows]
    assert numbers == list(ROWS), "every row once, in order"
    return {int(row[0]): (set(_NAME.findall(row[3])), _NAME.sub("", row[3]).strip(" ,·")) for row in rows}


def test_the_table_of_faults_names_exactly_the_tests_that_carry_their_numbers() -> None:
    """A mark without a row, a row without its mark, a name that no test has: all are seen here."""
    proofs, table = marked(), listed(PAGE.read_text())

    assert set(proofs) <= set(ROWS)
    assert {number: names for number, (names, _) in table.items() if names} == dict(proofs)


def test_a_fault_without_a_test_has_a_reason() -> None:
    """A sentence, not a dash."""
    unproven = {number: words for number, (names, words) in listed(PAGE.read_text()).items() if not names}

    assert all(len(words.split()) >= 5 and words.endswith(".") for words in unproven.values()), unproven


@pytest.mark.parametrize(
    ("source", "numbers"),
    [
        ("@pytest.mark.fault(27, 28)\ndef test_a(): ...", {27, 28}),
        ("@pytest.mark.parametrize('x', [pytest.param(1, marks=pytest.mark.fault(3))])\ndef test_a(): ...", {3}),
        ("@pytest.mark.slow\ndef test_a():\n    'fault 5'", set()),
    ],
)
def test_numbers_are_read_from_marks_and_from_nowhere_else(source: str, numbers: set[int]) -> None:
    """A word in a docstring proves nothing."""
    assert dict(numbered(source)) == {"test_a": numbers}
