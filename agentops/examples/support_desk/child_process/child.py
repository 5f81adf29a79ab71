"""One child process: a fixed command in its own process group, read line by line, never left behind."""

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

GUARD = Path(__file__).with_name("guard.py")
TICK_S = 0.5
READ_BYTES = 65_536
LINE_MAX_BYTES = 10_000


class ChildTimeoutError(Exception):
    """The command did not end in time and was killed."""


def run_child(argv: Sequence[str], *, folder: Path, timeout_s: float, watch: Callable[[str | None], None]) -> int:
    """Run the command in the folder and return its exit code; afterwards its whole process group is gone.

    `watch` is given each line of output, and None twice a second while nothing is said. What it raises ends the
    command and comes out of here. The child gets no environment but PATH, so no key of ours.

    Raises: ChildTimeoutError.
    """
    deadline = time.monotonic() + timeout_s
    child = subprocess.Popen(
        [sys.executable, "-I", str(GUARD), *argv],
        cwd=folder,
        env={"PATH": os.environ.get("PATH", os.defpath)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        for line in _lines(child, deadline):
            watch(line)
        return child.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired as error:
        raise ChildTimeoutError from error
    finally:
        _end_group(child)


def _lines(child: subprocess.Popen[bytes], deadline: float) -> Iterator[str | None]:
    assert child.stdout
    rest = b""
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        while (left_s := deadline - time.monotonic()) > 0:
            if not selector.select(min(left_s, TICK_S)):
                if child.poll() is not None:
                    break  # somebody it started still holds the pipe
                yield None
                continue
            chunk = os.read(child.stdout.fileno(), READ_BYTES)
            if not chunk:
                break
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) > LINE_MAX_BYTES:
                lines, rest = [*lines, rest], b""
            yield from (line.decode(errors="replace") for line in lines)
        else:
            raise ChildTimeoutError
    if rest:
        yield rest.decode(errors="replace")


def _end_group(child: subprocess.Popen[bytes]) -> None:
    # Also after a good end: a test may have started something. Nobody gets the number of a group that has members.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    for pipe in (child.stdin, child.stdout):
        if pipe:
            pipe.close()
    child.wait()
