"""A ledger in a process of its own, as `chaos` starts it."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest


@pytest.fixture
def ledger(tmp_path):
    """Start the ledger; yields its socket and its file."""
    sock, file = Path(tempfile.mkdtemp()) / "ledger.sock", tmp_path / "ledger.jsonl"
    process = subprocess.Popen([sys.executable, "-m", "agentops.lab.chaos.ledger_server", str(sock), str(file)])
    ends_at = time.monotonic() + 20
    while not file.exists():
        assert time.monotonic() < ends_at and process.poll() is None
        time.sleep(0.02)
    yield str(sock), file
    process.terminate()
    process.wait(10)
