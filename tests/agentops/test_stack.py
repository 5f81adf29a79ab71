"""The stack as real processes: whichever of them is killed, nothing that it had started goes on without it."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from uuid import uuid4

import pytest

from tests.databases import fresh_database
from tests.runs.worker.waiting import wait_for

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(sys.platform != "linux", reason="needs /proc and PR_SET_PDEATHSIG"),
]

ROOT = Path(__file__).resolve().parents[2]
PROC = Path("/proc")
MARK = "STACK_OF_THIS_TEST"
SUPERVISOR = """
import django, time
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from agentops.stack import Stack
with Stack() as stack:
    stack.offline_model()
    stack.worker("worker", ["agents"])
    stack.manage("pool", "rqworker-pool", "batch", "--num-workers", "1")
    stack.web()
    stack.clock()
    print("up", flush=True)
    while True:
        stack.check()
        time.sleep(0.1)
"""


@pytest.fixture
def stack():
    """A supervisor with everything that it starts, all of it marked by the environment."""
    folder, mark = Path(tempfile.mkdtemp(prefix="st-")), uuid4().hex
    with fresh_database(folder) as address:
        env = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}
        env |= {"DATABASE_URL": address, "AGENTOPS_VAR": str(folder), "DJANGO_SETTINGS_MODULE": "agentops.settings"}
        process = subprocess.Popen(
            [sys.executable, "-c", SUPERVISOR], cwd=ROOT, env=env | {MARK: mark}, stdout=subprocess.PIPE, text=True
        )
        yield Processes(process, mark)
        process.kill()
        process.wait()
        process.stdout.close()
        for pid in Processes(process, mark).all():
            print("left behind:", pid, command_of(pid))
            os.kill(pid, signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)


class Processes:
    """What carries the mark of one stack."""

    def __init__(self, supervisor, mark):
        self.supervisor, self._mark = supervisor, f"{MARK}={mark}".encode()

    def all(self):
        return [int(one.name) for one in PROC.iterdir() if one.name.isdigit() and self._carries(one)]

    def named(self, words, *, below=None):
        """The processes with these words in their command, and that parent if one is given."""
        found = [pid for pid in self.all() if words in command_of(pid)]
        return [pid for pid in found if below is None or parent_of(pid) == below]

    def strays(self):
        """Those whose parent is none of the stack, but for the supervisor and the keeper of Valkey."""
        ours = self.all()
        allowed = {self.supervisor.pid, *self.named("valkey_keeper")}
        return {pid: command_of(pid) for pid in ours if parent_of(pid) not in ours and pid not in allowed}

    def _carries(self, entry):
        try:
            return self._mark in (entry / "environ").read_bytes().split(b"\0") and state_of(entry.name) != "Z"
        except OSError:
            return False


def command_of(pid):
    try:
        return (PROC / str(pid) / "cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def stat_of(pid):
    return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()


def state_of(pid):
    return stat_of(pid)[0]


def parent_of(pid):
    try:
        return int(stat_of(pid)[1])
    except OSError:
        return -1


def leader(stack, words):
    """The process of this command that the supervisor itself has started."""
    return next(iter(stack.named(words, below=stack.supervisor.pid)), None)


def test_whichever_process_is_killed_none_that_it_had_started_outlives_it(stack):
    assert stack.supervisor.stdout.readline() == "up\n"
    wait_for(lambda: len(stack.named("qcluster")) == 5, timeout_s=120)  # leader, sentinel, worker, monitor, pusher

    for words in ("rqworker agents", "rqworker-pool", "uvicorn", "qcluster"):
        killed = leader(stack, words)
        os.kill(killed, signal.SIGKILL)
        wait_for(lambda: leader(stack, words) not in {None, killed} and not stack.strays(), timeout_s=60)  # noqa: B023

    wait_for(lambda: len(stack.named("qcluster")) == 5, timeout_s=120)
    [sentinel] = stack.named("qcluster", below=leader(stack, "qcluster"))
    os.kill(sentinel, signal.SIGKILL)
    wait_for(lambda: not alive(sentinel) and not stack.strays() and len(stack.named("qcluster")) == 5, timeout_s=120)

    for words in ("agentops.offline", "valkey_keeper"):
        os.kill(stack.named(words)[0], signal.SIGKILL)
    wait_for(lambda: not stack.strays(), timeout_s=60)

    stack.supervisor.kill()
    stack.supervisor.wait()

    wait_for(lambda: not stack.all(), timeout_s=60)


def alive(pid):
    try:
        return state_of(pid) != "Z"
    except OSError:
        return False
