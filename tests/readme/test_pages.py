"""The pages beside the README: what they say about the code is held against it."""

import re
from pathlib import Path

import pytest

from agentops.offline.script_file import load_scripts
from runs.states import MOVES, RunStatus
from tests.readme.blocks import blocks_of, rows_of
from tests.readme.terminals import ROOT

PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def test_the_lifecycle_page_has_every_status_and_every_move() -> None:
    """The diagram is the table of moves; each status says who moves the run on, and what if the mover dies."""
    page = (ROOT / "docs" / "run-lifecycle.md").read_text()
    drawn = {(one, other) for one, other in re.findall(r"^\s+(\w+) --> (\w+)", page, re.MULTILINE)}
    rows = {row[0]: row for row in rows_of(page.split("## Who moves a run on")[1].split("\n## ")[0])}

    assert drawn == {(str(one), str(other)) for one, following in MOVES.items() for other in following}
    assert {status.value for status in RunStatus} <= set(rows)
    assert all(len(rows[status]) == 4 and all(rows[status]) for status in RunStatus)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    """Relative links only; a heading that is linked to exists."""
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if "://" in target:
            continue
        path, _, heading = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), f"{page.name} links to {target}"
        if heading:
            titles = re.findall(r"^#+ (.+)$", linked.read_text(), re.MULTILINE)
            assert heading in {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}


def test_the_example_script_of_the_offline_model_is_one(tmp_path: Path) -> None:
    """The offline model refuses unknown fields, and names them."""
    page = ROOT / "docs" / "offline-model.md"
    scripts = [block.text for block in blocks_of(page) if block.language == "json"]

    for number, script in enumerate(scripts):
        (tmp_path / f"{number}.json").write_text(script)

    assert len(load_scripts([tmp_path])) == len(scripts) == 1


def test_every_word_of_the_product_is_in_the_glossary() -> None:
    """A newcomer looks here first."""
    page = (ROOT / "docs" / "glossary.md").read_text()
    words = (
        "Tenant, Job type, Agent, Job, Workflow, Run, Fence, Attempt, Step, Turn, Effect class, Effect key, "
        "Pending action, Dead letter, Limit, Budget, Circuit breaker, Quarantine, Ledger, Schedule, "
        "Artifact, Doorbell, Lease, Lane"
    )

    assert [word for word in words.split(", ") if f"**{word}**" not in page] == []
