"""`bench`, for real but small: each database in a child, figures on the last line, the exit code by the limit."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[4]


def bench(tmp_path, *arguments, timeout=900):
    env = os.environ | {"AGENTOPS_VAR": str(tmp_path)}
    command = [sys.executable, str(ROOT / "manage.py"), "bench", *arguments, "--json"]
    return subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=timeout)


def test_steps_are_compared_with_a_bare_commit_and_with_django(tmp_path):
    done = bench(tmp_path, "steps", "--db", "sqlite", "--rounds", "2")

    report = json.loads(done.stdout.splitlines()[-1])
    figures = report["sqlite"]
    assert (
        report["ratio_to_limit"] == figures["ratio_to_limit"] > 0
    )  # how much is for the command to say: tests never time
    assert figures["create_to_limit"] > 0 and figures["rounds"] == 2
    assert done.returncode == (1 if report["ratio_to_limit"] > report["most"] else 0)
    assert list(tmp_path.glob("bench-*")) == [], "nothing is left behind"


def test_claims_are_timed_and_no_cap_is_exceeded(tmp_path):
    sizes = ("--queued", "400", "--tenants", "20", "--claims", "160", "--threads", "8")
    done = bench(tmp_path, "claims", "--db", "sqlite", *sizes)

    report = json.loads(done.stdout.splitlines()[-1])
    assert report["sqlite"]["over_admitted"] == 0
    assert 0 < report["p50_ms"] == report["sqlite"]["p50_ms"] <= report["sqlite"]["p99_ms"]


def test_waiting_runs_are_made_honestly_and_two_workers_are_looked_at_with_and_without_them(tmp_path):
    done = bench(tmp_path, "waiting", "--db", "sqlite", "--waiting", "60", "--seconds", "1", "--posts", "4")

    report = json.loads(done.stdout.splitlines()[-1])
    figures = report["sqlite"]
    assert figures["breaches"] == 0 and figures["waiting"] == 60
    assert report["cpu_percent"] == figures["cpu_percent"] >= 0
    assert figures["start_ratio"] > 0 and 0 <= figures["start_p50_ms"] <= figures["start_p99_ms"]
    assert done.returncode == (1 if report["cpu_percent"] > report["most"] else 0)
    assert list(tmp_path.glob("bench-*")) == [], "nothing is left behind"


def test_a_blocked_run_starts_when_the_one_before_it_has_ended(tmp_path):
    done = bench(tmp_path, "promotion", "--db", "sqlite", "--blocked", "60", "--starts", "20")

    report = json.loads(done.stdout.splitlines()[-1])
    figures = report["sqlite"]
    assert figures["starts"] >= 19 and figures["over_admitted"] == 0
    assert 0 <= figures["p50_ms"] <= figures["p95_ms"] == report["p95_ms"] <= figures["max_ms"]
    assert done.returncode == (1 if report["p95_ms"] > report["most"] else 0)


@pytest.mark.parametrize("bound", ["requests", "tokens"])
def test_four_workers_use_a_quota_and_are_never_refused(tmp_path, bound):
    done = bench(tmp_path, "pacing", "--db", "sqlite", "--minutes", "1", "--bound", bound)

    report = json.loads(done.stdout.splitlines()[-1])
    figures = report["sqlite"]
    assert figures["refused"] == 0 and figures["breaches"] == 0
    # How much is for the command to say: a machine that stands still for seconds makes no calls meanwhile.
    assert figures[bound]["unused_percent"] == figures["unused_percent"] < 50
    assert done.returncode == (1 if report["unused_percent"] > report["most"] else 0)
