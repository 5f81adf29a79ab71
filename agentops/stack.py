"""Run the whole product as child processes on this machine: offline model, web, workers, clock.

Used by the demo and by `replay_workload`. Every child ends with its parent, even by `kill -9`.
"""

import os
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from http.client import HTTPException
from pathlib import Path
from uuid import uuid4

from django.conf import settings

from agentops.embedded.valkey import ensure_valkey
from runs.worker.supervisor import Child, Supervisor

_MANAGE = Path(__file__).resolve().parent.parent / "manage.py"
INSTANCE = "AGENTOPS_INSTANCE"  # tells a caller which server answered
_READY_IN_S = 120.0  # on a busy machine; a dead child is noticed at once


class StackError(RuntimeError):
    """A part of the stack did not start; the message names its log."""


class Stack(Supervisor):
    """Starts the parts in order of their dependencies."""

    def __init__(self, env: dict[str, str] | None = None) -> None:
        super().__init__()
        self.instance = uuid4().hex
        own = {"DJANGO_SETTINGS_MODULE": settings.SETTINGS_MODULE, INSTANCE: self.instance}
        self.env = own | (env or {})
        self.logs = Path(settings.VAR_DIR) / "logs"
        self.logs.mkdir(parents=True, exist_ok=True)
        self.base_url = ""
        if settings.EMBEDDED_VALKEY_DIR:
            try:
                ensure_valkey(settings.EMBEDDED_VALKEY_DIR)
            except ConnectionError as error:
                raise StackError(str(error)) from error

    def offline_model(
        self,
        *,
        scripts: Sequence[Path] = (),
        workload: Path | None = None,
        log: Path | None = None,
        batch_s: float | None = None,
        more: Sequence[str] = (),
    ) -> str:
        """Start the offline model, with `more` options, and point every later child at it; return its address."""
        port_file = self.logs / f"offline-{os.getpid()}.port"
        port_file.unlink(missing_ok=True)
        options = {"--port-file": port_file, "--workload": workload, "--log": log, "--batch-seconds": batch_s}
        given = [*(("--scripts", folder) for folder in scripts), *options.items()]
        parts = [str(part) for name, value in given if value is not None for part in (name, value)]
        child = self.start("offline-model", [sys.executable, "-m", "agentops.offline", *parts, *more])
        self._await(port_file.exists, child)
        address = f"http://127.0.0.1:{port_file.read_text().strip()}"
        port_file.unlink()
        self.env |= {
            "ANTHROPIC_BASE_URL": address,
            "ANTHROPIC_API_KEY": "offline",
            "AGENTOPS_OFFLINE_MODEL": "1",
        }
        return address

    def web(self, *, port: int = 0) -> str:
        """Start the web server, on a free port unless one is given; return its address once it is ready."""
        port = port or free_port()
        address = f"http://127.0.0.1:{port}"
        listen = ["--host", "127.0.0.1", "--port", str(port), "--timeout-graceful-shutdown", "3"]
        command = [sys.executable, "-m", "uvicorn", "agentops.asgi:application", *listen, "--log-level", "warning"]
        child = self.start("web", command, restart=True)
        self._await(lambda: instance_at(address) == self.instance, child)
        self.base_url = address
        return address

    def worker(self, name: str, queues: Sequence[str], *, slots: int = 8) -> Child:
        """Start one worker."""
        return self.manage(name, "rqworker", *queues, "--slots", str(slots), "--grace", "5")

    def clock(self) -> Child:
        """Start the clock."""
        return self.manage("clock", "qcluster")

    def manage(self, name: str, *arguments: str) -> Child:
        """Start a management command."""
        return self.start(name, [sys.executable, str(_MANAGE), *arguments], restart=True)

    @property
    def child_env(self) -> dict[str, str]:
        """Return a child's environment variables beyond our own."""
        return self.env | {"PYTHONPATH": os.pathsep.join([str(_MANAGE.parent), os.environ.get("PYTHONPATH", "")])}

    def start(self, name: str, command: list[str], *, restart: bool = False) -> Child:
        """Start a process."""
        path = self.logs / f"{name}.log"
        return self.add(Child(name, command, env=self.child_env, log_path=path, restart=restart))

    def _await(self, ready: Callable[[], bool], child: Child) -> None:
        ends_at = time.monotonic() + _READY_IN_S
        while not ready():
            if not child.is_alive() or time.monotonic() > ends_at:
                raise StackError(f"{child.name} did not come up; see {child.log_path}")
            time.sleep(0.03)  # only a child's answer or file shows that it is up


def free_port(*, preferred: int = 0) -> int:
    """Find a free port of the loopback interface; the preferred one if it is free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server will
        try:
            probe.bind(("127.0.0.1", preferred))
        except OSError:
            return free_port()
        port: int = probe.getsockname()[1]
        return port


def answers(url: str) -> bool:
    """Say whether a server answers 200 now."""
    try:
        with urllib.request.urlopen(url, timeout=1) as response:  # noqa: S310 (our own server)
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def instance_at(address: str) -> str | None:
    """Return the name of the agentops instance ready at this address, "" without a name; None if there is none."""
    try:
        with urllib.request.urlopen(f"{address}/readyz", timeout=5) as response:  # noqa: S310 (our own server)
            name: str | None = response.headers.get("Agentops-Instance")
            return name
    except (OSError, HTTPException, ValueError):
        return None
