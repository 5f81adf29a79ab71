"""The README is executed: every code block of it, in order, by a newcomer in a clone.

- `sh` blocks run in one bash that keeps its variables. Above a block whose processes stay stands a comment about
  terminals: each of its lines is started in a terminal of its own, which Ctrl-C ends before the next such block.
- `python` blocks are written to the file that their first line names.
- `text` and `json` blocks are the output of the last `sh` block: compared after ids, times, ports, tokens and costs
  got names (`tests/readme/compare.py`). A block that only reads is repeated until its output fits.

Three things differ from what a reader does. The clone's `.venv` starts the interpreter of these tests instead of
installing one: the installing commands are held against the Makefile instead. Ports 8000 and 8001 become free ones.
And skipped is what is `make test` itself or marked as needing a key or Docker; nothing else can be.
"""

import ast
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from agentops.offline.script_file import load_scripts
from runs.conf import Conf
from runs.states import MOVES, RunStatus
from tests.readme.blocks import Block, blocks_of, rows_of
from tests.readme.compare import fits
from tests.readme.terminals import ROOT, Newcomer, Terminal, clone_to, until

README = ROOT / "README.md"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
INSTALLS = "python3.11 -m venv .venv"
_ENVIRONMENT = re.compile(r"""(?:env\.\w+\(|os\.environ(?:\.get)?[\[(])["']([A-Z_]+)["']""")
_FITS_IN_S = 60.0


@pytest.fixture
def newcomer() -> Iterator[Newcomer]:
    """Somebody with a fresh clone, in a folder whose path is short enough for a socket."""
    folder = Path(tempfile.mkdtemp(prefix="readme-"))
    person = Newcomer(folder, clone_to(folder))
    yield person
    try:
        person.close_terminals()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.slow
def test_every_block_of_the_readme_does_what_it_shows(newcomer: Newcomer) -> None:
    """Follow the page from top to bottom."""
    page = Follower(newcomer)

    for block in blocks_of(README):
        page.follow(block)

    assert page.compared >= 8


class Follower:
    """Follows a page block by block."""

    def __init__(self, newcomer: Newcomer) -> None:
        self.newcomer = newcomer
        self.commands = ""
        self.said = ""
        self.terminal: Terminal | None = None
        self.compared = 0

    def follow(self, block: Block) -> None:
        """Do what a block says, or look whether it shows what happened."""
        if block.skipped:
            return
        match block.language:
            case "sh" if "terminal" in block.mark:
                self.terminal = self.newcomer.open_terminals(block.text)[0]
            case "sh" if block.text.startswith(INSTALLS):
                _hold_against_makefile(block.text)
            case "sh":
                self.terminal, self.commands = None, block.text
                self._type()
            case "python":
                name = block.text.splitlines()[0].removeprefix("# ")
                (self.newcomer.clone / name).write_text(block.text)
            case "text" | "json":
                self.compared += 1
                assert until(lambda: self._fits(block), timeout_s=_FITS_IN_S), self._difference(block)
            case _:
                pytest.fail(f"line {block.line}: nobody knows how to follow a block of {block.language!r}")

    def _type(self) -> None:
        """Type the commands; those that only read are typed again while a server is not there yet."""
        if not _only_reads(self.commands):
            self.said = self.newcomer.type(self.commands)
            return
        failures: list[AssertionError] = []
        assert until(lambda: self._has_read(failures), timeout_s=_FITS_IN_S), failures[-1]

    def _has_read(self, failures: list[AssertionError]) -> bool:
        try:
            self.said = self.newcomer.type(self.commands)
        except AssertionError as error:
            failures.append(error)
            return False
        return True

    def _fits(self, block: Block) -> bool:
        if self.terminal:
            assert self.terminal.process.poll() is None, f"{self.terminal.command} ended:\n{self.terminal.said()}"
            self.said = self.terminal.said()
        elif not fits(block.text, self.said) and _only_reads(self.commands):
            self._type()
        return fits(block.text, self.said)

    def _difference(self, block: Block) -> str:
        return f"README line {block.line} shows\n{block.text}\nbut was told\n{self.said}"


def _only_reads(commands: str) -> bool:
    return not re.search(r"-X POST|manage\.py", commands)


def _hold_against_makefile(plain: str) -> None:
    """The plain commands are those of `make demo` and `make test`, but for options about what is printed."""
    made = _dry("demo") + _dry("test")
    for command in plain.splitlines():
        assert _bare(command) in made, f"{command} is not what make does: {made}"


def _dry(target: str) -> list[str]:
    said = subprocess.run(
        ["make", "-n", target, "VENV=.venv-dry", "PYTHON=python3.11"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},  # a `make` around these tests hands its own variables down
        capture_output=True,
        text=True,
    )
    assert said.returncode == 0, said.stderr
    return [_bare(line.replace(".venv-dry", ".venv")) for line in said.stdout.splitlines()]


def _bare(command: str) -> str:
    command = re.sub(r" --(quiet|disable-pip-version-check|no-build-isolation)\b", "", command)
    return command.replace("/python -m pip", "/pip").removeprefix("exec ").strip()


def test_nothing_is_skipped_but_make_test_and_what_needs_a_key_or_docker() -> None:
    """Count what the marks leave out."""
    skipped = {block.mark: block.text for block in blocks_of(README) if block.skipped}

    assert set(skipped) <= {"is: make test", "needs: key", "needs: docker"}
    assert all("ANTHROPIC_API_KEY" in text for mark, text in skipped.items() if mark == "needs: key")
    assert all("docker" in text for mark, text in skipped.items() if mark == "needs: docker")
    tests = [block.text for block in blocks_of(README) if block.mark == "is: make test"]
    assert [_bare(text) in [*_dry("test"), "make test"] for text in tests] == [True, True]


def test_every_fence_of_the_readme_is_found() -> None:
    """A block that the pattern misses would never be executed."""
    fences = [line for line in README.read_text().splitlines() if line.startswith("```")]

    assert len(fences) == 2 * len(blocks_of(README))


@pytest.mark.parametrize(
    ("shown", "said", "does_fit"),
    [
        ('"id": "7f1c2d3e-0000-4000-8000-000000000000",', '"id": "00000000-1111-4222-8333-444444444444",', True),
        ("first\n…\nlast", "first\nsecond\nthird\nlast\n", True),
        ("Logs …/var/logs", "Logs /tmp/x/var/logs", True),
        ("1 model_call completed - 0.001152", "1 model_call completed - 0.0008", True),
        ("1 tool_call completed read 0", "1 tool_call completed read 0.002", False),
        ("first\nlast", "first\nsecond\nlast", False),
        ('"status": "completed"', '"status": "failed"', False),
        ("first\n…\nmade up", "first\nlast", False),
    ],
)
def test_a_made_up_output_does_not_fit(shown: str, said: str, does_fit: bool) -> None:
    """Ids and costs may differ; what happened may not."""
    assert fits(shown, said) is does_fit


def test_the_table_of_agentops_keys_is_the_dataclass() -> None:
    """Every key once, with its default and its unit."""
    section = README.read_text().split("| `AGENTOPS` key |")[1].split("\n## ")[0]
    table = {row[0]: row for row in rows_of(section)}

    assert {name: ast.literal_eval(row[1]) for name, row in table.items()} == {
        field.name: field.default for field in fields(Conf)
    }
    assert all(row[2] == "seconds" for name, row in table.items() if name.endswith("_s"))


def test_the_table_of_variables_is_what_the_code_reads() -> None:
    """Every variable of the settings, of secrets and of fault points."""
    code = "".join((ROOT / name).read_text() for name in ("agentops/settings.py", "runs/fault_points.py", "manage.py"))
    section = README.read_text().split("| variable |")[1].split("| `AGENTOPS` key |")[0]
    shown = [row[0] for row in rows_of(section)]

    assert set(shown) == {*_ENVIRONMENT.findall(code), "AGENTOPS_SECRET_<NAME>", "DJANGO_SETTINGS_MODULE"}
    assert len(shown) == len(set(shown))


def test_the_example_of_an_environment_names_known_variables() -> None:
    """`.env.example` invents nothing."""
    section = README.read_text().split("| variable |")[1].split("| `AGENTOPS` key |")[0]
    named = re.findall(r"^#?\s?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)

    assert named
    assert {name for name in named if not name.startswith("AGENTOPS_SECRET_")} <= {row[0] for row in rows_of(section)}


def test_the_procfile_starts_what_the_readme_starts() -> None:
    """The same commands, without the folder of their programs."""
    started = README.read_text().replace(".venv/bin/", "")

    for line in (ROOT / "Procfile").read_text().splitlines():
        command = line.partition(": ")[2].replace(" --host 0.0.0.0", "").replace("${PORT:-8000}", "8000")
        assert f"\n{command}\n" in started, f"{command} is not in the README"


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
        "Pending action, Dead letter, Limit, Budget, Ledger, Schedule, Artifact, Doorbell, Lease, Waiting line"
    )

    assert [word for word in words.split(", ") if f"**{word}**" not in page] == []
