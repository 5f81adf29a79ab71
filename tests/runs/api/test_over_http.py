"""The API behind a real server: bodies in chunks, and many clients at once."""

import http.client
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.databases import environment, fresh_database
from tests.runs.api.conftest import RUNS

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
BODY = json.dumps({"job_type": "squares", "input": {"upto": 1}}).encode()


class Server:
    """A server process of its own, with a database of its own."""

    def __init__(self, var: str, database: str) -> None:
        self.env = environment(database, AGENTOPS_TESTS_VAR=var, ALLOWED_HOSTS="127.0.0.1")
        self.manage("migrate", "-v0")
        self.token = self.manage("token", "--tenant", "acme").split()[-1]
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        command = ["uvicorn", "agentops.asgi:application", "--port", str(self.port), "--log-level", "warning"]
        self.process = subprocess.Popen([sys.executable, "-m", *command], cwd=ROOT, env=self.env)

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
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                assert self.send("GET", "/readyz")[0] == 200
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


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="api-") as var, fresh_database(var) as database:
        server = Server(var, database)
        try:
            server.wait()
            yield server
        finally:
            server.stop()


def test_a_body_in_chunks_is_read(server):
    status, _, run = server.send("POST", RUNS, iter([BODY[:10], BODY[10:]]), **{"Transfer-Encoding": "chunked"})

    assert (status, run["input"]) == (202, {"upto": 1})


@pytest.mark.parametrize("megabytes", [0.3, 8])
def test_a_body_in_chunks_over_256_kb_is_413(server, megabytes):
    chunks = (b"x" * 10_000 for _ in range(int(megabytes * 100)))

    answer = server.send("POST", RUNS, chunks, **{"Transfer-Encoding": "chunked"})

    assert answer[:2] == (413, "application/problem+json") and answer[2]["code"] == "too_large"


def test_thirty_posts_at_once_are_thirty_runs(server):
    headers = [{"Idempotency-Key": f"at once {number}"} for number in range(30)]
    with ThreadPoolExecutor(30) as clients:
        answers = list(clients.map(lambda more: server.send("POST", RUNS, BODY, **more), headers))

    assert [status for status, _, _ in answers] == [202] * 30
    assert len({run["id"] for _, _, run in answers}) == 30


@pytest.mark.fault(51)
def test_thirty_posts_at_once_under_one_key_are_one_run(server):
    with ThreadPoolExecutor(30) as clients:
        answers = list(
            clients.map(lambda _: server.send("POST", RUNS, BODY, **{"Idempotency-Key": "the one"}), range(30))
        )

    assert {status for status, _, _ in answers} == {202}
    assert len({run["id"] for _, _, run in answers}) == 1


def test_no_token_is_401_and_a_post_without_the_last_slash_404(server):
    assert server.send("GET", RUNS, Authorization="")[0] == 401
    assert server.send("POST", RUNS.rstrip("/"), BODY)[:2] == (404, "application/problem+json")
