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
from redis import Redis

from agentops.embedded.valkey import answers, socket_path
from runs.orphans import kill_orphans
from tests.runs.worker.waiting import wait_for

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

    start.started = started
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


def pid_of(path):
    return Redis(unix_socket_path=str(path)).info("server")["process_id"]


def test_a_server_that_is_killed_is_started_again_by_its_keeper(var, user):
    user()
    path = socket_path(var)
    first = pid_of(path)

    os.kill(first, signal.SIGKILL)

    wait_for(lambda: answers(path) and pid_of(path) != first, timeout_s=30)


def test_a_keeper_that_is_killed_takes_its_server_along_and_both_come_back_when_asked_for(var, user):
    user()
    path = socket_path(var)
    server = pid_of(path)
    keeper = int((Path("/proc") / str(server) / "stat").read_text().rpartition(")")[2].split()[1])

    os.kill(keeper, signal.SIGKILL)

    assert gone_within(path, 10)
    second = user()
    assert answers(path) and pid_of(path) != server
    for process in (second, *user.started):
        process.kill()
        process.wait()
    assert gone_within(path, 10), "the new keeper knows its users"


def test_a_second_keeper_leaves_the_server_to_the_first(var, user):
    user()
    path = socket_path(var)
    server = pid_of(path)

    second = subprocess.run(
        [sys.executable, "-m", "agentops.embedded.valkey_keeper", str(var), str(path)], cwd=ROOT, timeout=60
    )

    assert second.returncode == 0 and pid_of(path) == server


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
