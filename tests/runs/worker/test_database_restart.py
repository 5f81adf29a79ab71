"""A PostgreSQL that is restarted while real processes work: they reconnect by themselves, and nothing is stranded."""

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
from pathlib import Path

import pytest

from agentops.demo.client import DemoApiError, DemoClient
from agentops.stack import Stack
from tests.on_postgres import temporary_server

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
RUNS = 12
RESTARTS = 3
MANY_STEPS = {"job_type": "slow_squares", "input": {"upto": 20}}


@pytest.fixture
def server():
    with temporary_server() as server:
        yield server


@pytest.fixture
def env(server):
    with tempfile.TemporaryDirectory(prefix="restart-") as var:
        yield {"DATABASE_URL": server.get_uri(), "DJANGO_SETTINGS_MODULE": "tests.settings", "AGENTOPS_TESTS_VAR": var}


@pytest.fixture
def manage(env):
    def manage(*arguments):
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(command, cwd=ROOT, env=os.environ | env, capture_output=True, text=True, timeout=600)

    return manage


@pytest.fixture
def stack(env):
    with Stack(env) as stack:
        yield stack


def restart(server):
    control = [str(server.bin_path / "pg_ctl"), "restart", "-w", "-m", "immediate", "-D", str(server.pgdata)]
    log = ["-l", str(server.log)]
    subprocess.run([*control, *log], check=True, user=server.system_user, stdout=subprocess.DEVNULL, timeout=600)


def patiently(ask):
    """Ask again while the server is away; the web process must find its way back."""
    for _ in range(100):
        try:
            return ask()
        except (DemoApiError, urllib.error.URLError, ValueError):
            time.sleep(0.2)
    return ask()


@pytest.mark.fault(47)
def test_restarts_of_the_database_strand_nothing_and_repeat_nothing(server, env, manage, stack):
    assert manage("migrate", "-v0").returncode == 0
    token = manage("token", "--tenant", "acme").stdout.split()[-1]
    for number in (1, 2):
        stack.worker(f"restart-{os.getpid()}-{number}", ["batch"], slots=4)
    client = DemoClient(stack.web(), token)
    pids = [child.pid for child in stack.children]
    ids = [client.post("runs/", MANY_STEPS)["id"] for _ in range(RUNS)]

    for _ in range(RESTARTS):
        time.sleep(2.5)
        restart(server)

    ends_at = time.monotonic() + 90
    while (
        runs := [patiently(lambda one=one: client.get(f"runs/{one}/")) for one in ids]
    ) and time.monotonic() < ends_at:
        if all(run["status"] in ("completed", "failed", "cancelled") for run in runs):
            break
        time.sleep(0.5)
    assert [run["status"] for run in runs] == ["completed"] * RUNS
    assert [child.pid for child in stack.children if child.is_alive()] == pids, "nobody had to be started again"
    traces = [client.get(f"runs/{one}/steps/?limit=100")["results"] for one in ids]
    assert {step["attempt"] for trace in traces for step in trace} == {1}, "no step was done twice"
    checked = manage("check_invariants", "--json")
    assert checked.returncode == 0, checked.stdout
    assert json.loads(checked.stdout.splitlines()[-1])
