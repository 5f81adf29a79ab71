"""The tool that runs a project's test suite in a child process."""

from typing import Any

from agentops.examples.support_desk.child_process.child import ChildTimeoutError, run_child
from agentops.examples.support_desk.child_process.unittest_report import UnittestReport
from agentops.examples.support_desk.context import Context
from agentops.examples.support_desk.projects import PROJECTS, Project
from runs.registry import ToolError, tool

COUNT_TIMEOUT_S = 10.0


@tool(effect="read", timeout_s=60)
def run_test_command(context: Context, project: str) -> dict[str, Any]:
    """Run the test suite of a project and report how it ended. Projects: "checkout", "slow_suite".

    Returns the exit code (0 when all is well), how many tests passed and failed, and the end of the output, where
    each failure is explained. It takes up to 45 seconds. No other command can be run.
    """
    if project not in PROJECTS:
        raise ToolError(f"There is no project {project[:50]!r}. Projects: {', '.join(PROJECTS)}.")
    chosen = PROJECTS[project]
    report = UnittestReport(_count_tests(context, chosen))

    def watch(line: str | None) -> None:
        # Told also while nothing is said: this is where a cancelled run ends, and its child with it.
        if line is None or report.read(line):
            context.progress(report.percent, report.message)

    try:
        exit_code = run_child(chosen.test_argv, folder=chosen.folder, timeout_s=chosen.timeout_s, watch=watch)
    except ChildTimeoutError:
        raise ToolError(
            f"The tests of {project} did not end within {chosen.timeout_s:g} s and were stopped after "
            f"{report.message}. The end of their output:\n{report.output}"
        ) from None
    return {"exit_code": exit_code, "passed": report.passed, "failed": report.failed, "output": report.output}


def _count_tests(context: Context, project: Project) -> int:
    """Count the tests; 0 when that fails, for then the run itself will say why."""
    said: list[str] = []

    def watch(line: str | None) -> None:
        context.progress(0.0, "counting tests")
        said.append(line or "")

    timeout_s = min(COUNT_TIMEOUT_S, project.timeout_s)
    try:
        run_child(project.count_argv, folder=project.folder, timeout_s=timeout_s, watch=watch)
    except ChildTimeoutError:
        return 0
    return int(said[-1]) if said and said[-1].isdecimal() else 0
