"""Child processes: read line by line, and never left behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agentops.examples.support_desk.child_process.child import ChildTimeoutError, run_child

# Starts a grandchild that only a signal ends, says its number, and goes on as told.
PARENT = "import subprocess, sys, time; p = subprocess.Popen(['sleep', '60']); print(p.pid, flush=True); {then}"
SLEEP = "time.sleep(60)"


def _python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def _run(code: str, folder: Path, timeout_s: float = 20.0) -> tuple[int, list[str]]:
    lines: list[str] = []
    code_ = run_child(
        _python(code), folder=folder, timeout_s=timeout_s, watch=lambda line: lines.append(line) if line else None
    )
    return code_, lines


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _ends_soon(pid: int) -> bool:
    until = time.monotonic() + 5
    while _is_alive(pid) and time.monotonic() < until:
        time.sleep(0.02)
    return not _is_alive(pid)


@pytest.mark.parametrize("code", [0, 3])
def test_the_exit_code_comes_back(tmp_path, code):
    assert _run(f"import sys; sys.exit({code})", tmp_path) == (code, [])


def test_death_by_a_signal_is_told_as_shells_do(tmp_path):
    assert _run("import os; os.kill(os.getpid(), 15)", tmp_path)[0] == 128 + signal.SIGTERM


def test_lines_come_whole_and_both_streams_are_read(tmp_path):
    code = "import sys; print('a', flush=True); print('b', file=sys.stderr, flush=True); print('ç', end='')"

    assert _run(code, tmp_path)[1] == ["a", "b", "ç"]


def test_a_line_without_end_is_cut_into_pieces(tmp_path):
    _, lines = _run("print('x' * 1_000_000)", tmp_path)

    assert sum(map(len, lines)) == 1_000_000
    assert len(lines) > 1


def test_the_command_runs_in_its_folder_and_reads_nothing(tmp_path):
    _, lines = _run("import os, sys; print(os.getcwd()); print(repr(sys.stdin.read()))", tmp_path)

    assert lines == [str(tmp_path), "''"]


def test_silence_is_told_too(tmp_path):
    told: list[str | None] = []

    run_child(_python("import time; time.sleep(1.3)"), folder=tmp_path, timeout_s=20, watch=told.append)

    assert told.count(None) >= 2


def test_time_over_ends_the_whole_group(tmp_path):
    lines: list[str] = []

    with pytest.raises(ChildTimeoutError):
        run_child(
            _python(PARENT.format(then=SLEEP)),
            folder=tmp_path,
            timeout_s=1,
            watch=lambda line: lines.append(line) if line else None,
        )

    assert _ends_soon(int(lines[0]))


def test_endless_output_is_stopped_by_the_time(tmp_path):
    with pytest.raises(ChildTimeoutError):
        _run("while True: print('again')", tmp_path, timeout_s=1)


def test_what_the_watcher_raises_ends_the_whole_group(tmp_path):
    seen: list[int] = []

    def watch(line: str | None) -> None:
        if line:
            seen.append(int(line))
            raise InterruptedError

    with pytest.raises(InterruptedError):
        run_child(_python(PARENT.format(then=SLEEP)), folder=tmp_path, timeout_s=20, watch=watch)

    assert _ends_soon(seen[0])


def test_what_a_finished_command_left_behind_is_ended(tmp_path):
    code, lines = _run(PARENT.format(then="sys.exit(0)"), tmp_path)

    assert code == 0
    assert _ends_soon(int(lines[0]))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_nothing_outlives_a_killed_starter(tmp_path):
    code = (
        "from pathlib import Path; from agentops.examples.support_desk.child_process.child import run_child; "
        f"run_child({_python(PARENT.format(then=SLEEP))!r}, folder=Path({str(tmp_path)!r}), timeout_s=60, "
        "watch=lambda line: print(line, flush=True) if line else None)"
    )
    starter = subprocess.Popen(_python(code), stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": os.getcwd()})
    assert starter.stdout
    grandchild = int(starter.stdout.readline())

    starter.kill()
    starter.wait()
    starter.stdout.close()

    assert _ends_soon(grandchild)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's service is Linux's")
def test_the_command_ends_with_its_guard(tmp_path):
    seen: list[int] = []

    def watch(line: str | None) -> None:
        if line and not seen:
            seen.extend(map(int, line.split()))
            os.kill(seen[1], signal.SIGKILL)

    code = "import os, time; print(os.getpid(), os.getppid(), flush=True); time.sleep(60)"
    run_child(_python(code), folder=tmp_path, timeout_s=20, watch=watch)

    assert _ends_soon(seen[0])
