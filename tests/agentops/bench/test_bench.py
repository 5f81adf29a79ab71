"""`bench`, for real but small: each database in a child, figures on the last line, the exit code by the limit."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]


def bench(tmp_path, *arguments):
    env = os.environ | {"AGENTOPS_VAR": str(tmp_path)}
    command = [sys.executable, str(ROOT / "manage.py"), "bench", *arguments, "--json"]
    return subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=120)


def test_steps_are_compared_with_a_bare_commit_and_with_django(tmp_path):
    done = bench(tmp_path, "steps", "--db", "sqlite", "--rounds", "2")

    report = json.loads(done.stdout.splitlines()[-1])
    figures = report["sqlite"]
    assert report["ratio_to_limit"] == figures["ratio_to_limit"] > 1, "nobody is faster than a bare commit"
    assert figures["create_to_limit"] > 1 and figures["rounds"] == 2
    assert done.returncode == (1 if report["ratio_to_limit"] > report["most"] else 0)
    assert list(tmp_path.glob("bench-*")) == [], "nothing is left behind"


def test_claims_are_timed_and_no_cap_is_exceeded(tmp_path):
    sizes = ("--queued", "400", "--tenants", "20", "--claims", "160", "--threads", "8")
    done = bench(tmp_path, "claims", "--db", "sqlite", *sizes)

    report = json.loads(done.stdout.splitlines()[-1])
    assert report["sqlite"]["over_admitted"] == 0
    assert 0 < report["p50_ms"] == report["sqlite"]["p50_ms"] <= report["sqlite"]["p99_ms"]
