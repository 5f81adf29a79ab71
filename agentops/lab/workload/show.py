"""The report for people, on a terminal."""

from collections.abc import Iterator, Sequence
from typing import TextIO

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from agentops.lab.workload.play import Played
from agentops.lab.workload.report import WorkloadReport

_SHOWN_MAX = 20  # of each kind; the JSON report has all


def show(report: WorkloadReport, to: TextIO) -> None:
    """Print the numbers as a table, then what was found."""
    console = Console(file=to, highlight=False)
    table = Table(title=f"replay {report.label}", title_justify="left")
    table.add_column("")
    table.add_column("replayed", justify="right")
    table.add_column("recorded", justify="right")
    for name, replayed, recorded in _rows(report):
        table.add_row(name, replayed, recorded)
    console.print(table)
    _list(console, "Differences", [str(finding) for finding in report.comparison.differences])
    _list(console, "Needs a person", [_line(played) for played in report.needs_person])
    _list(console, "Not completed", [_line(played) for played in report.incomplete])
    _list(console, "Notes (recovery repeated what may be repeated)", [str(note) for note in report.comparison.notes])
    _list(console, "Processes started again", report.restarted)
    console.print("Clean: the three sources agree." if report.is_clean else "NOT clean: see above.")


def _rows(report: WorkloadReport) -> Iterator[tuple[str, str, str]]:
    did, expected = report.done, report.expected
    yield "conversations completed", f"{report.completed:,}", f"{report.conversations:,}"
    yield "model turns", f"{did.model_turns:,}", f"{expected.model_turns:,}"
    yield "closing turns", f"{did.closing_turns:,}", f"{expected.closing_turns:,}"
    yield "tool calls", f"{did.tool_calls:,}", f"{expected.tool_calls:,}"
    yield "missing", f"{did.missing:,}", "0"
    yield "twice", f"{did.twice:,}", "0"
    yield "differences", f"{len(report.comparison.differences):,}", "0"
    yield "requests to the model", f"{report.requests:,}", f"{expected.model_turns + expected.closing_turns:,}"
    yield "played in", f"{report.played_s:.1f} s", ""
    yield "compared in", f"{report.compared_s:.1f} s", ""
    yield "cost", f"{report.cost_usd:.4f} USD", ""


def _list(console: Console, title: str, lines: Sequence[str]) -> None:
    if not lines:
        return
    console.print(f"\n[bold]{title}[/bold]: {len(lines)}")
    for line in lines[:_SHOWN_MAX]:
        console.print(f"  {escape(line)}", soft_wrap=True)
    if len(lines) > _SHOWN_MAX:
        console.print(f"  … and {len(lines) - _SHOWN_MAX} more, all of them in the report of --json")
    console.print()


def _line(played: Played) -> str:
    return f"{played.conversation} (run {played.run_id or 'was not posted'}, {played.tenant}): {played.problem}"
