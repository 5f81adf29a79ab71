"""The command for real: processes die, nothing is lost; and without intents it finds what happens twice."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[4]


def chaos(tmp_path, *options):
    """Run the command in a folder of its own; return exit code, report and whether anything was kept."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("AGENTOPS", "DATABASE", "REDIS"))}
    env |= {"AGENTOPS_VAR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "agentops.settings"}
    command = [sys.executable, str(ROOT / "manage.py"), "chaos", "--json", *options]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=900)
    lines = done.stdout.splitlines()
    assert lines, done.stderr
    return done.returncode, json.loads(lines[-1]), list(tmp_path.glob("chaos-*"))


@pytest.mark.fault(10)
@pytest.mark.slow
def test_nothing_is_lost_or_repeated_when_workers_are_killed(tmp_path):
    code, report, kept = chaos(tmp_path, "--runs", "12", "--kills", "3", "--seed", "1")

    assert report["findings"] == [] and report["ok"] and code == 0
    assert 12 <= report["runs"] <= 18 and report["effects"] > 30
    assert report["lost"] == report["duplicated"] == report["missing"] == report["invariants_broken"] == 0
    assert report["kills"]["counted"] > 0 and report["recovery"]["count"] > 0
    assert kept == [], "a clean campaign leaves nothing behind"


@pytest.mark.slow
def test_without_intents_effects_happen_twice_and_it_says_so(tmp_path):
    options = ("--runs", "20", "--kills", "9", "--seed", "1", "--kill", "tool.after", "--without-intents")
    code, report, kept = chaos(tmp_path, *options)

    assert code == 1 and not report["ok"]
    assert report["duplicated"] > 0 and report["duplicated_by_effect"]["idempotent"] == 0, "the receiver knows the key"
    assert report["kills"]["by_point"]["tool.after"] > 0
    assert len(kept) == 1, "what is wrong is kept to be looked at"


def test_what_cannot_run_exits_with_two(tmp_path):
    env = os.environ | {"AGENTOPS_VAR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "agentops.settings"}
    command = [sys.executable, str(ROOT / "manage.py"), "chaos", "--restart-db"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=900)

    assert done.returncode == 2 and "--db postgres" in done.stderr
