"""The projects whose tests may be run: an allow-list in code, so no text of a model becomes a path or a command."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SAMPLES = Path(__file__).with_name("sample_projects")
COUNT = "import sys, unittest; print(unittest.defaultTestLoader.loadTestsFromName(sys.argv[1]).countTestCases())"


@dataclass(frozen=True, slots=True)
class Project:
    """A folder and the module in it that holds its tests."""

    folder: Path
    checks: str
    timeout_s: float = 45.0

    @property
    def test_argv(self) -> Sequence[str]:
        """The command that runs the tests; `-b` keeps what tests print from getting between the results."""
        return [sys.executable, "-u", "-B", "-m", "unittest", "-v", "-b", self.checks]

    @property
    def count_argv(self) -> Sequence[str]:
        """The command that prints how many tests there are, which unittest itself says only at its end."""
        return [sys.executable, "-B", "-c", COUNT, self.checks]


PROJECTS = {
    "checkout": Project(SAMPLES / "checkout", "checkout_checks"),
    "slow_suite": Project(SAMPLES / "slow_suite", "slow_suite_checks"),
}
