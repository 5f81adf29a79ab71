"""Reading what `python -m unittest -v` prints, as it comes. No process is known here."""

import re

# A test with a docstring prints its name one line earlier, so only the end of a line is looked at.
RESULT = re.compile(r"\.\.\. (?:(ok|expected failure)|(FAIL|ERROR|unexpected success)|skipped .*)$")
OUTPUT_MAX_CHARS = 8_000
CUT = "[the beginning is cut]\n"


class UnittestReport:
    """Counts of results so far, and the end of the output."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.done = 0
        self.passed = 0
        self.failed = 0
        self._output = ""
        self._cut = False

    def read(self, line: str) -> bool:
        """Take in one line; tell whether it was the result of a test."""
        output = f"{self._output}{line}\n"
        self._cut = self._cut or len(output) > OUTPUT_MAX_CHARS
        self._output = output[-OUTPUT_MAX_CHARS:]
        found = RESULT.search(line)
        if not found:
            return False
        self.done += 1
        self.passed += found[1] is not None
        self.failed += found[2] is not None
        return True

    @property
    def percent(self) -> float:
        """How much is done; subtests can be more than were counted."""
        return min(100.0, 100.0 * self.done / self.total) if self.total else 0.0

    @property
    def message(self) -> str:
        """How much is done, for people."""
        return f"{self.done} of {max(self.total, self.done)}"

    @property
    def output(self) -> str:
        """The end of the output, where failures are summed up."""
        return f"{CUT}{self._output}" if self._cut else self._output
