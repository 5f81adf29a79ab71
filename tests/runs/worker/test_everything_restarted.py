"""Every process is stopped while a run waits for a person, and started again: the row was the pause."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import pytest

from agentops.demo.client import DemoClient
from agentops.demo.environment import SCRIPTS
from agentops.embedded.valkey import answers, socket_path
from agentops.offline.model import OfflineModel
from agentops.stack import Stack
from tests.databases import fresh_database
from tests.runs.worker.waiting import wait_for

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
REFUND = {"job_type": "refund", "input": {"invoice": 1007, "reason": "it was taken twice."}}
COUNT = "from agentops.examples.support_desk.models import Refund; print(Refund.objects.count())"


@pytest.fixture
def model():
    """The provider, which lives on; it notes what it was asked."""
    with OfflineModel([SCRIPTS]) as model:
        yield model


@pytest.fixture
def env(model):
    var = tempfile.mkdtemp(prefix="all-")
    with fresh_database(var) as database:
        yield {
            "DATABASE_URL": database,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "AGENTOPS_TESTS_VAR": var,
            "AGENTOPS_EXAMPLES": "1",
            "REDIS_URL": "",  # the embedded Valkey
            "ANTHROPIC_BASE_URL": model.base_url,
            "ANTHROPIC_API_KEY": "offline",
        }
    shutil.rmtree(var, ignore_errors=True)


@pytest.fixture
def manage(env):
    def manage(*arguments):
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=os.environ | env, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return manage


def start_all(stack):
    """Start two workers, the clock and the web; return the address of the web."""
    for number in (1, 2):
        stack.worker(f"all-{os.getpid()}-{number}", ["agents"], slots=2)
    stack.clock()
    return stack.web()


def status_at(client, run_id):
    return client.get(f"runs/{run_id}/")["status"]


def test_a_run_survives_the_restart_of_all_processes_and_the_model_is_not_asked_again(env, manage, model):
    manage("migrate", "-v0")
    manage("seed_support_desk")
    token = manage("token", "--tenant", "acme").split()[-1]
    deciding = ("--user", "olga", "--scopes", "actions:read,actions:decide")
    operators = manage("token", "--tenant", "acme", *deciding).split()[-1]
    valkey = socket_path(Path(env["AGENTOPS_TESTS_VAR"]))
    with Stack(env) as stack:
        client = DemoClient(start_all(stack), token)
        run_id = client.post("runs/", REFUND)["id"]
        wait_for(lambda: status_at(client, run_id) == "waiting_for_confirmation", timeout_s=60)
        assert answers(valkey), "doorbells were heard"
        asked_before = len(model.requests)

    assert not any(child.is_alive() for child in stack.children)
    wait_for(lambda: not answers(valkey))
    with Stack(env) as stack:
        client = DemoClient(start_all(stack), token)
        operator = DemoClient(client.base_url, operators)
        time.sleep(4.5)  # two sweeps of each worker
        assert status_at(client, run_id) == "waiting_for_confirmation", "nobody but a person moves it on"
        assert len(model.requests) == asked_before
        [action] = operator.get("actions/?status=open")["results"]
        operator.post(f"actions/{action['id']}/approve/")
        wait_for(lambda: status_at(client, run_id) == "completed", timeout_s=60)
        steps = client.get(f"runs/{run_id}/steps/")["results"]

    turns = Counter(len(request["body"]["messages"]) for request in model.requests)
    assert turns == {1: 1, 3: 1, 5: 1}, "each turn was asked once, the one before the approval too"
    assert [step["attempt"] for step in steps] == [1] * len(steps)
    assert manage("shell", "-c", COUNT).split()[-1] == "1"
    manage("check_invariants")
