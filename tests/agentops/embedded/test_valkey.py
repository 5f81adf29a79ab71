"""The embedded Valkey: shared by all that need it, outlives the death of any one, ends with the last."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from uuid import uuid4

import pytest

from agentops.embedded.valkey import answers, socket_path
from runs.orphans import kill_orphans

ROOT = Path(__file__).resolve().parents[3]
USER = (
    "import sys, time; from pathlib import Path; from agentops.embedded.valkey import ensure_valkey;"
    "ensure_valkey(Path(sys.argv[1])); print('up', flush=True); time.sleep(60)"
)


@pytest.fixture
def var():
    folder = Path(tempfile.mkdtemp(prefix="vk-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def user(var):
    """Start a process that needs the server."""
    started = []

    def start(**env):
        command = [sys.executable, "-c", USER, str(var)]
        process = subprocess.Popen(command, cwd=ROOT, env=os.environ | env, stdout=subprocess.PIPE, text=True)
        assert process.stdout.readline() == "up\n"
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def gone_within(path, seconds):
    ends_at = time.monotonic() + seconds
    while answers(path):
        if time.monotonic() > ends_at:
            return False
        time.sleep(0.05)
    return True


def test_it_is_shared_and_ends_with_its_last_user_even_one_that_is_killed(var, user):
    first, second = user(), user()
    path = socket_path(var)
    assert answers(path)

    first.send_signal(signal.SIGKILL)
    first.wait()
    assert not gone_within(path, 0.7), "somebody still uses it"
    second.send_signal(signal.SIGKILL)
    second.wait()

    assert gone_within(path, 10)


def test_it_can_be_started_again(var, user):
    one = user()
    one.kill()
    one.wait()

    user()

    assert answers(socket_path(var))


def test_killing_the_group_of_the_process_that_started_it_does_not_end_it(var, user):
    process = subprocess.Popen(
        [sys.executable, "-c", USER, str(var)], cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout.readline() == "up\n"
    user()

    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()

    assert not gone_within(socket_path(var), 0.7)


def test_it_is_no_orphan_of_the_worker_that_started_it(var, user):
    worker_id = uuid4()
    starter = user(AGENTOPS_WORKER_ID=str(worker_id))
    user()

    assert kill_orphans(worker_id) == 1, "what carries the mark is killed, and that is its starter"

    assert starter.wait(10) == -signal.SIGKILL
    assert not gone_within(socket_path(var), 0.7)


def test_a_long_folder_name_gets_a_socket_elsewhere():
    path = socket_path(Path("/tmp") / ("x" * 120))

    assert len(str(path)) < 100
    assert path == socket_path(Path("/tmp") / ("x" * 120))
