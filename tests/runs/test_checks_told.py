"""Every system check is told to the reader of `docs/adopting.md`."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "adopting.md"


def test_the_page_lists_every_id_and_no_other():
    sources = [path.read_text() for path in (ROOT / "runs").glob("checks*.py")]
    ids = {found for text in sources for found in re.findall(r'id="(runs\.[EW]\d+)"', text)}

    assert sorted(ids) == re.findall(r"^\| `(runs\.[EW]\d+)` \|", PAGE.read_text(), re.MULTILINE)
