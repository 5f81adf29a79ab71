"""The report for people, on a terminal."""

from collections.abc import Iterator
from typing import TextIO

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from agentops.lab.chaos.report import ChaosReport

_SHOWN_MAX = 20


def show(report: ChaosReport, to: TextIO) -> None:
    """Print what was done, what was found, and the judgement."""
    console = Console(file=to, highlight=False)
    table = Table(title="chaos", title_justify="left", show_header=False)
    table.add_column("")
    table.add_column("", justify="right")
    for name, value in _rows(report):
        table.add_row(name, value)
    console.print(table)
    points = Table(title="kills by fault point", title_justify="left", show_header=False)
    for point, hits in report.by_point().items():
        points.add_row(point, str(hits), "fewer than five" if point in report.below else "")
    console.print(points)
    findings = report.findings()
    for finding in findings[:_SHOWN_MAX]:
        console.print(f"  {escape(finding)}", soft_wrap=True)
    if len(findings) > _SHOWN_MAX:
        console.print(f"  … and {len(findings) - _SHOWN_MAX} more, all of them in the report of --json")
    console.print(_judgement(report))


def _judgement(report: ChaosReport) -> str:
    if report.is_clean:
        return "Clean: nothing was lost, repeated or broken."
    return "NOT clean: see above." + (" (Intents were left out: it should not be.)" * report.options.without_intents)


def _rows(report: ChaosReport) -> Iterator[tuple[str, str]]:
    told = report.as_json()
    yield "runs", f"{told['runs']:,}"
    yield "lost", f"{told['lost']:,}"
    for effect, times in told["duplicated_by_effect"].items():
        yield f"duplicated, {effect}", f"{times:,}"
    yield "missing / unrecorded", f"{told['missing']:,} / {told['unrecorded']:,}"
    yield "invariants broken", f"{told['invariants_broken']:,}"
    yield "effects in the ledger", f"{told['effects']:,}"
    yield "unknown / had happened", f"{told['unknown']['surfaced']:,} / {told['unknown']['happened']:,}"
    yield (
        "model calls billed twice",
        f"{told['model_calls_billed_twice']:,} ({told['model_calls_billed_twice_usd']} USD)",
    )
    for name, words in (("recovery", "recovery"), ("recovery_quarantined", "recovery in quarantine")):
        found = told[name]
        if found["count"]:
            seconds = f"{found['p50_s']} / {found['p99_s']} / {found['max_s']} s over {found['count']:,}"
            yield f"{words} p50 / p99 / max", seconds
    kills = told["kills"]
    yield "kills of a lease's holder", f"{kills['counted']:,} of {kills['wanted']:,} ({kills['leases_held']:,} leases)"
    yield (
        "other kills: idle worker / web / clock",
        f"{kills['without_lease']:,} / {kills['web']:,} / {kills['clock']:,}",
    )
    yield (
        "stops / flushes / restarts / terms",
        " / ".join(f"{n:,}" for n in (report.stops.total(), report.flushes, report.restarts, report.terms)),
    )
    yield "seed, database", f"{told['seed']}, {told['db']}"
    yield "took", f"{told['took_s']:,} s"
    yield "versions", ", ".join(f"{name} {version}" for name, version in told["versions"].items())
