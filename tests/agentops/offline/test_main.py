"""The command `python -m agentops.offline`."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import anthropic
import httpx2
import pytest

ROOT = Path(__file__).resolve().parents[3]
COMMAND = [sys.executable, "-m", "agentops.offline", "--port", "0"]
HANGING = {
    "name": "hanging",
    "turns": [
        {
            "content": [{"type": "text", "text": "Hi"}],
            "faults": [{"kind": "hang", "seconds": 60, "after": "message_start"}],
        }
    ],
}


@pytest.fixture
def launch(tmp_path):
    """Start the command and wait for its port; the process is ended with the test."""
    processes = []

    def start(*arguments):
        port_file = tmp_path / "port"
        command = [*COMMAND, "--port-file", str(port_file), *map(str, arguments)]
        process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
        processes.append(process)
        wait_for(port_file.exists)
        return process, f"http://127.0.0.1:{port_file.read_text().strip()}"

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def test_it_answers_at_the_port_in_the_port_file(launch, tmp_path, ask):
    (tmp_path / "scripts").mkdir()
    script = {"name": "s", "turns": [{"content": [{"type": "text", "text": "scripted"}]}]}
    (tmp_path / "scripts" / "s.json").write_text(json.dumps(script))
    _, base_url = launch("--scripts", tmp_path / "scripts", "--log", tmp_path / "log.jsonl")

    with anthropic.Anthropic(base_url=base_url, api_key="offline", max_retries=0) as client:
        message = client.messages.create(**ask())

    assert message.content[0].text == "scripted"
    assert len((tmp_path / "log.jsonl").read_text().splitlines()) == 1
    assert not list(tmp_path.glob("port.*"))


def test_it_ends_in_spite_of_open_streams(launch, tmp_path, ask):
    (tmp_path / "hanging.json").write_text(json.dumps(HANGING))
    process, base_url = launch("--scripts", tmp_path, "--log", tmp_path / "log.jsonl")

    with (
        anthropic.Anthropic(base_url=base_url, api_key="offline", max_retries=0) as client,
        client.messages.stream(**ask()) as stream,
    ):
        next(iter(stream))
        process.send_signal(signal.SIGTERM)

        assert process.wait(timeout=5) == 0
    assert json.loads((tmp_path / "log.jsonl").read_text())["aborted"] is True


def test_a_broken_script_ends_it_with_code_2(tmp_path):
    (tmp_path / "broken.json").write_text(json.dumps({"name": "s", "turns": [{}]}))

    ended = subprocess.run([*COMMAND, "--scripts", tmp_path], cwd=ROOT, capture_output=True, text=True, timeout=10)

    assert ended.returncode == 2
    assert f"{tmp_path / 'broken.json'}: turns.0.content" in ended.stderr


def test_a_missing_workload_ends_it_with_code_2(tmp_path):
    command = [*COMMAND, "--workload", tmp_path / "nowhere"]

    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=10)

    assert ended.returncode == 2
    assert "nowhere" in ended.stderr


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells a child of its parent's end")
def test_it_ends_with_the_process_that_started_it(tmp_path):
    port_file = tmp_path / "port"
    command = [*COMMAND, "--port-file", str(port_file), "--stop-with-parent"]
    code = f"import subprocess, time; subprocess.Popen({command!r}); time.sleep(60)"
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        wait_for(port_file.exists)
        address = f"http://127.0.0.1:{port_file.read_text().strip()}/healthz"
        assert httpx2.get(address).status_code == 200
    finally:
        parent.kill()
        parent.wait()

    wait_for(lambda: is_silent(address))


def test_it_listens_on_the_loopback_interface_only(launch):
    process, _ = launch()

    if not Path("/proc/net/tcp").exists():
        pytest.skip("listening sockets are read from /proc")
    sockets = {os.readlink(entry) for entry in Path(f"/proc/{process.pid}/fd").iterdir() if entry.is_symlink()}
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    addresses = [line[1].split(":")[0] for line in lines if f"socket:[{line[9]}]" in sockets]
    assert addresses == ["0100007F"]


def is_silent(address):
    try:
        httpx2.get(address)
    except httpx2.TransportError:  # refused, or broken off by its end
        return True
    return False


def wait_for(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "it did not happen within ten seconds"
        time.sleep(0.01)
