"""Running a project's tests."""

import time
from pathlib import Path

import pytest

from agentops.examples.support_desk.projects import PROJECTS, Project
from agentops.examples.support_desk.tools import run_test_command
from runs.registry import ToolError

PASSING = "import unittest\n\nclass T(unittest.TestCase):\n    def test_a(self): {body}\n    def test_b(self): pass\n"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Write a project whose first test has the given body."""

    def write(body: str, timeout_s: float = 20.0) -> str:
        (tmp_path / "own_checks.py").write_text(PASSING.format(body=body))
        monkeypatch.setitem(PROJECTS, "own", Project(tmp_path, "own_checks", timeout_s))
        return "own"

    return write


def test_a_failing_test_is_reported(context):
    found = run_test_command(context, project="checkout")

    assert (found["exit_code"], found["passed"], found["failed"]) == (1, 7, 1)
    assert "an order of exactly 50.00 ships free" in found["output"]


def test_progress_counts_the_tests(context):
    run_test_command(context, project="checkout")

    percents, messages = zip(*context.told, strict=True)
    assert [m for m in messages if " of " in m and m != "0 of 8"] == [f"{n} of 8" for n in range(1, 9)]
    assert percents[-1] == 100.0
    assert list(percents) == sorted(percents)


@pytest.mark.parametrize("name", ["nothing", "../checkout", "checkout; rm -rf /", "", "/etc"])
def test_an_unknown_project_is_refused(context, name):
    with pytest.raises(ToolError, match="Projects: checkout, slow_suite"):
        run_test_command(context, project=name)

    assert not context.told


def test_time_over_tells_how_far_it_came(context, project):
    name = project("import time; time.sleep(60)", timeout_s=1.5)

    with pytest.raises(ToolError, match=r"did not end within 1\.5 s and were stopped after 0 of 2"):
        run_test_command(context, project=name)


def test_a_project_that_cannot_be_imported_is_reported(context, project):
    name = project("pass")
    (PROJECTS[name].folder / "own_checks.py").write_text("import nowhere_to_be_found\n")

    found = run_test_command(context, project=name)

    assert found["exit_code"] == 1
    assert "nowhere_to_be_found" in found["output"]


def test_what_tests_print_does_not_get_between_the_results(context, project):
    found = run_test_command(context, project=project("print('... ok')"))

    assert (found["passed"], found["failed"]) == (2, 0)


def test_long_output_keeps_its_end(context, project):
    found = run_test_command(context, project=project("print('x' * 100_000); assert False"))

    assert found["output"].startswith("[the beginning is cut]")
    assert "FAILED (failures=1)" in found["output"]
    assert len(found["output"]) < 9000


def test_no_key_of_ours_reaches_the_tests(context, project, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "a-secret")

    found = run_test_command(context, project=project("import os; assert set(os.environ) <= {'PATH', 'LC_CTYPE'}"))

    assert found["exit_code"] == 0, found["output"]


def test_what_progress_raises_ends_the_tests_at_once(context, project, monkeypatch, tmp_path):
    name = project(f"import time; time.sleep(6); open({str(tmp_path / 'went_on')!r}, 'w')")
    monkeypatch.setattr(context, "progress", _raise_when_running)
    begun = time.monotonic()

    with pytest.raises(InterruptedError):
        run_test_command(context, project=name)

    assert time.monotonic() - begun < 5.5
    time.sleep(6.2 - (time.monotonic() - begun))
    assert not Path(tmp_path / "went_on").exists()


def _raise_when_running(percent: float, message: str) -> None:
    if message == "0 of 2":
        raise InterruptedError
