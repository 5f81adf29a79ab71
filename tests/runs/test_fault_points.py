"""Fault points: off unless told; whoever is hit leaves word first; intents are left out only in the control."""

import os
import subprocess
import sys
import time

PASS = "from runs.fault_points import fault_point; [fault_point('tool.after') for _ in range(50)]; print('alive')"


def run(**env):
    env = {name: value for name, value in os.environ.items() if "FAULT" not in name} | env
    return subprocess.run([sys.executable, "-c", PASS], env=env, capture_output=True, text=True, timeout=60)


def test_nothing_happens_unless_a_point_is_armed(tmp_path):
    done = run(AGENTOPS_FAULT_LOG=str(tmp_path / "faults.log"))

    assert done.stdout == "alive\n" and not (tmp_path / "faults.log").exists()


def test_a_process_that_is_hit_leaves_word_of_where_and_when(tmp_path):
    log, before = tmp_path / "faults.log", time.time()

    done = run(AGENTOPS_FAULTS="tool.after:KILL:1.0", AGENTOPS_FAULT_LOG=str(log))

    assert done.returncode == -9 and done.stdout == ""
    point, _pid, signal, at = log.read_text().split()
    assert (point, signal) == ("tool.after", "SIGKILL") and before <= float(at) <= time.time()


def test_another_point_does_not_kill(tmp_path):
    assert run(AGENTOPS_FAULTS="tool.before:KILL:1.0").stdout == "alive\n"


def test_a_point_that_does_not_exist_is_refused():
    assert "names no fault point 'tool.later'" in run(AGENTOPS_FAULTS="tool.later:KILL:1.0").stderr
