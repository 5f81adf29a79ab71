"""The command, with real processes."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.databases import fresh_database

ROOT = Path(__file__).resolve().parents[4]
FOREIGN = ("REDIS_URL", "AGENTOPS_EXAMPLES", "AGENTOPS_WORKLOAD", "DJANGO_SETTINGS_MODULE")


@pytest.fixture
def replay():
    """Run the command on a database and an embedded Valkey of its own."""
    var = tempfile.mkdtemp(prefix="wl-")
    env = {name: value for name, value in os.environ.items() if name not in FOREIGN} | {"AGENTOPS_VAR": var}

    def run(*arguments):
        command = [sys.executable, "manage.py", "replay_workload", *map(str, arguments)]
        return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=900)

    run.var = Path(var)
    with fresh_database(var) as env["DATABASE_URL"]:
        yield run
    shutil.rmtree(var, ignore_errors=True)


def report_in(result):
    return json.loads(result.stdout.splitlines()[-1])


@pytest.mark.slow
def test_a_workload_is_replayed_twice_on_one_database(replay, write):
    folder = write()

    first, second = replay(folder, "--json"), replay(folder, "--json", "--limit", "2", "--workers", "1")

    assert first.returncode == 0, first.stderr + first.stdout
    report = report_in(first)
    assert report["clean"] is True
    assert (report["conversations"], report["completed"], report["workers"]) == (3, 3, 2)
    assert report["replayed"] == report["recorded"] == {"model_turns": 7, "closing_turns": 1, "tool_calls": 5}
    assert (report["missing"], report["twice"], report["differences"]) == (0, 0, [])
    assert second.returncode == 0, second.stderr + second.stdout
    assert report_in(second)["replayed"] == {"model_turns": 4, "closing_turns": 1, "tool_calls": 2}
    assert not list(replay.var.glob("*.requests.jsonl"))


@pytest.mark.slow
def test_a_workload_is_replayed_in_the_batch_lane_at_half_the_price(replay, write):
    folder = write()

    standard, batch = (
        replay(folder, "--json", "--lane", lane, "--batch-seconds", "0.3") for lane in ("standard", "batch")
    )

    assert batch.returncode == 0, batch.stderr + batch.stdout
    report = report_in(batch)
    assert (report["clean"], report["lane"], report["replayed"]) == (True, "batch", report["recorded"])
    # A prompt this short is cached nowhere, so the lane's longer cache changes nothing.
    assert float(report["cost_usd"]) == pytest.approx(float(report_in(standard)["cost_usd"]) / 2)


@pytest.mark.slow
def test_a_folder_that_nobody_can_replay_ends_with_2(replay, write):
    folder = write()
    (folder / "conversations.jsonl").write_text("{\n")

    result = replay(folder)

    assert result.returncode == 2
    assert "conversations.jsonl:1: is not JSON" in result.stderr
    assert replay(folder.parent / "nowhere").returncode == 2
    assert replay(write(), "--workers", "0").returncode == 2
