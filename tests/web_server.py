"""A web server process of its own, for tests over real sockets."""

import http.client
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.databases import environment

ROOT = Path(__file__).parents[1]


class Server:
    """A server process of its own, with a database of its own."""

    def __init__(self, var: str, database: str, **env: str) -> None:
        self.env = environment(database, AGENTOPS_TESTS_VAR=var, ALLOWED_HOSTS="127.0.0.1") | env
        self.token = ""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        command = ["uvicorn", "agentops.asgi:application", "--port", str(self.port), "--log-level", "warning"]
        self.process = subprocess.Popen([sys.executable, "-m", *command], cwd=ROOT, env=self.env)

    def prepare(self) -> None:
        """Make the tables and a token, for tests that come further than to the door."""
        self.manage("migrate", "-v0")
        self.token = self.manage("token", "--tenant", "acme").split()[-1]

    def manage(self, *arguments: str) -> str:
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(command, cwd=ROOT, env=self.env, check=True, capture_output=True, text=True).stdout

    def send(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, str, dict[str, object]]:
        """Send one request on a connection of its own. A body that is an iterator goes in chunks."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        sent = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"} | headers
        try:
            connection.request(method, path, body, sent, encode_chunked=not isinstance(body, bytes | None))
            answer = connection.getresponse()
            return answer.status, answer.headers["Content-Type"], json.loads(answer.read())
        finally:
            connection.close()

    def wait(self) -> None:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                assert self.send("GET", "/livez")[0] == 200
                return
            except ConnectionRefusedError:
                time.sleep(0.1)
        pytest.fail("the server did not start")

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)

    @contextmanager
    def running(self) -> Iterator[None]:
        try:
            self.wait()
            yield
        finally:
            self.stop()

    def connect(self, head: str, *headers: str) -> socket.socket:
        """Open a connection and send the head of a request."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        connection.sendall("\r\n".join([f"{head} HTTP/1.1", "Host: 127.0.0.1", *headers, "", ""]).encode())
        return connection
