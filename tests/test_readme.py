"""The README and the pages that go on from it are executed: every code block, in order, by a newcomer in a clone.

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
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from runs.conf import Conf
from tests.readme.blocks import blocks_of, rows_of
from tests.readme.compare import fits
from tests.readme.follower import Follower
from tests.readme.makefile import bare, commands_of
from tests.readme.terminals import ROOT, Newcomer, clone_to

README = ROOT / "README.md"
FIRST_AGENT = ROOT / "docs" / "first-agent.md"
FOLLOWED = (README, ROOT / "docs" / "http-api.md", FIRST_AGENT)
CONFIGURATION = ROOT / "docs" / "configuration.md"
_ENVIRONMENT = re.compile(r"""(?:env\.\w+\(|os\.environ(?:\.get)?[\[(]|^FAULTS = )["']([A-Z_]+)["']""", re.MULTILINE)


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
    """Follow the pages from top to bottom."""
    reader = Follower(newcomer)

    for page in FOLLOWED:
        for block in blocks_of(page):
            reader.follow(block)

    assert reader.compared >= 16


def test_nothing_is_skipped_but_make_test_and_what_needs_a_key_or_docker() -> None:
    """Count what the marks leave out."""
    blocks = [block for page in FOLLOWED for block in blocks_of(page)]
    skipped = {block.mark: block.text for block in blocks if block.skipped}

    assert set(skipped) <= {"is: make test", "needs: key", "needs: docker"}
    assert all("ANTHROPIC_API_KEY" in text for mark, text in skipped.items() if mark == "needs: key")
    assert all("docker" in text for mark, text in skipped.items() if mark == "needs: docker")
    tests = [block.text for block in blocks if block.mark == "is: make test"]
    assert [bare(text) in [*commands_of("test"), "make test"] for text in tests] == [True, True]


@pytest.mark.parametrize("page", FOLLOWED, ids=lambda page: page.name)
def test_every_fence_of_the_readme_is_found(page: Path) -> None:
    """A block that the pattern misses would never be executed."""
    fences = [line for line in page.read_text().splitlines() if line.startswith("```")]

    assert len(fences) == 2 * len(blocks_of(page))


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
    section = CONFIGURATION.read_text().split("| `AGENTOPS` key |")[1].split("\n## ")[0]
    table = {row[0]: row for row in rows_of(section)}

    assert {name: ast.literal_eval(row[1]) for name, row in table.items()} == {
        field.name: field.default for field in fields(Conf)
    }
    assert all(row[2] == "seconds" for name, row in table.items() if name.endswith("_s"))


def test_the_table_of_variables_is_what_the_code_reads() -> None:
    """Every variable of the settings, of secrets and of fault points."""
    code = "".join((ROOT / name).read_text() for name in ("agentops/settings.py", "runs/fault_points.py", "manage.py"))
    section = CONFIGURATION.read_text().split("| variable |")[1].split("| `AGENTOPS` key |")[0]
    shown = [row[0] for row in rows_of(section)]

    assert set(shown) == {*_ENVIRONMENT.findall(code), "AGENTOPS_SECRET_<NAME>", "DJANGO_SETTINGS_MODULE"}
    assert len(shown) == len(set(shown))


def test_the_example_of_an_environment_names_known_variables() -> None:
    """`.env.example` invents nothing."""
    section = CONFIGURATION.read_text().split("| variable |")[1].split("| `AGENTOPS` key |")[0]
    named = re.findall(r"^#?\s?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)

    assert named
    assert {name for name in named if not name.startswith("AGENTOPS_SECRET_")} <= {row[0] for row in rows_of(section)}


def test_the_procfile_starts_what_the_page_starts() -> None:
    """The same commands, without the folder of their programs."""
    started = FIRST_AGENT.read_text().replace(".venv/bin/", "")

    for line in (ROOT / "Procfile").read_text().splitlines():
        command = line.partition(": ")[2].replace(" --host 0.0.0.0", "").replace("${PORT:-8000}", "8000")
        assert f"\n{command}\n" in started, f"{command} is not on the page"
