"""A newcomer at this machine: a clone, a shell that remembers, and terminals in which processes stay."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_NOT_CLONED = shutil.ignore_patterns(".git", ".venv*", "var", ".*_cache", ".hypothesis", "*.egg-info", "*.sqlite3")
_COMMAND_S = 240.0
_STOP_S = 20.0


def clone_to(folder: Path) -> Path:
    """Copy the repository. Its `.venv` starts the interpreter of these tests, and counts as installed."""
    clone = folder / "agentops"
    shutil.copytree(ROOT, clone, ignore=_NOT_CLONED)
    binaries = clone / ".venv" / "bin"
    binaries.mkdir(parents=True)
    for name in ("python", "uvicorn"):
        script = binaries / name
        module = "" if name == "python" else f"-m {name} "
        script.write_text(f'#!/bin/sh\nexec {sys.executable} {module}"$@"\n')
        script.chmod(0o755)
    (clone / ".venv" / ".installed").touch()
    return clone


@dataclass(slots=True)
class Terminal:
    """A process that stays until Ctrl-C."""

    command: str
    process: subprocess.Popen[bytes]
    output: Path

    def said(self) -> str:
        """What it has printed so far."""
        return self.output.read_text()

    def stop(self) -> int:
        """Press Ctrl-C and wait; kill what does not end. Returns the exit code."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)
        try:
            return self.process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            return self.process.wait()


@dataclass(slots=True)
class Newcomer:
    """Types what the page says: in one shell that keeps its variables, and in terminals beside it."""

    folder: Path
    clone: Path
    more: dict[str, str] = field(default_factory=dict)  # of the environment
    ports: dict[str, str] = field(default_factory=dict)
    terminals: list[Terminal] = field(default_factory=list)

    def type(self, commands: str, *, timeout_s: float = _COMMAND_S) -> str:
        """Run commands in the shell; return what they printed. Raises: AssertionError with the first that fails."""
        script = f"set -a; . {self._state}; set +a; set -e; set -a\n{commands}\nexport -p > {self._state}\n"
        done = subprocess.run(
            ["bash", "-c", self._on_own_ports(script)],
            cwd=self.clone,
            env=self._env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )
        assert done.returncode == 0, f"{commands}\nexited with {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def open_terminals(self, commands: str) -> list[Terminal]:
        """Press Ctrl-C in the terminals that are open, then start each line in one of its own."""
        self.close_terminals()
        lines = [line for line in commands.replace("\\\n", " ").splitlines() if line.strip()]
        for number, line in enumerate(lines):
            output = self.folder / f"terminal-{number}.txt"
            script = f"set -a; . {self._state}; set +a\nexec {line}\n"
            with output.open("wb") as said:
                process = subprocess.Popen(
                    ["bash", "-c", self._on_own_ports(script)],
                    cwd=self.clone,
                    env=self._env,
                    stdin=subprocess.DEVNULL,
                    stdout=said,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            self.terminals.append(Terminal(line, process, output))
        return self.terminals

    def close_terminals(self) -> None:
        """Press Ctrl-C everywhere; each process must have lived until then."""
        died = [terminal for terminal in self.terminals if terminal.process.poll() is not None]
        terminals, self.terminals = self.terminals, []
        for terminal in terminals:
            terminal.stop()
        assert not died, "\n".join(f"{terminal.command} ended by itself:\n{terminal.said()}" for terminal in died)

    @property
    def _state(self) -> Path:
        path = self.folder / "variables.sh"
        path.touch()
        return path

    @property
    def _env(self) -> dict[str, str]:
        """The environment of somebody who has set nothing."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "USER", "TMPDIR") if name in os.environ}
        return kept | {"LANG": "C.UTF-8"} | self.more

    def _on_own_ports(self, script: str) -> str:
        """The page's ports may be taken here: each becomes a free one, always the same."""
        for port in ("8000", "8001"):
            if port in script and port not in self.ports:
                self.ports[port] = _free_port()
            script = script.replace(f":{port}", f":{self.ports.get(port)}")
            script = script.replace(f" {port}\n", f" {self.ports.get(port)}\n").replace(
                f"--port {port}", f"--port {self.ports.get(port)}"
            )
        return script


def _free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def until(fits, *, timeout_s: float) -> bool:
    """Look again and again until it fits or the time is over."""
    ends_at = time.monotonic() + timeout_s
    while not fits():
        if time.monotonic() > ends_at:
            return False
        time.sleep(0.1)
    return True
