"""Bodies over real sockets: too large, too slow, announced or in chunks, at any address."""

import http.client
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.runs.api.conftest import RUNS
from tests.web_server import Server

pytestmark = pytest.mark.slow

MEGABYTE = 1024 * 1024
HUGE = 300 * MEGABYTE
ADDRESSES = [RUNS, "/api/nothing/", "/api/docs/", "/admin/login/", "/admin/runs/run/", "/static/runs/console.css",
             "/nothing", "/livez"]  # fmt: skip
CHUNKED = "Transfer-Encoding: chunked"


@contextmanager
def serving(**env: str) -> Iterator[Server]:
    """Serve without a database: nothing here comes so far as to ask one."""
    with tempfile.TemporaryDirectory(prefix="web-") as var:
        server = Server(var, f"sqlite:///{var}/none.sqlite3", **env)
        with server.running():
            yield server


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture(scope="module")
def impatient() -> Iterator[Server]:
    """A server that gives bodies a second."""
    with serving(DJANGO_SETTINGS_MODULE="tests.impatient_settings") as server:
        yield server


def answer_of(connection: socket.socket) -> http.client.HTTPResponse:
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    return answer


def assert_refused(connection: socket.socket, status: int, code: str) -> None:
    """The answer is a problem document, and the connection is closed after it."""
    answer = answer_of(connection)
    document = answer.read().decode()

    assert (answer.status, answer.headers["Content-Type"]) == (status, "application/problem+json"), document
    assert f'"code": "{code}"' in document
    assert answer.headers["Connection"] == "close" and answer.headers["Cache-Control"] == "no-store"


def written_bytes(server: Server) -> int:
    """What the process has written to files of any kind; sockets do not count."""
    lines = Path(f"/proc/{server.process.pid}/io").read_text().splitlines()
    return int(dict(line.split(": ") for line in lines)["wchar"])


def resident_bytes(server: Server) -> int:
    lines = Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith("VmRSS")).split()[1])


def send_chunks(connection: socket.socket, total: int) -> int:
    """Send so many bytes in chunks, or as many as the server takes."""
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    sent = 0
    while sent < total:
        try:
            connection.sendall(chunk)
        except (BrokenPipeError, ConnectionResetError):
            break
        sent += len(chunk)
    return sent


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_body_that_is_announced_too_large_is_refused_before_it_is_sent(server, address):
    with server.connect(f"POST {address}", f"Content-Length: {HUGE}") as connection:
        assert_refused(connection, 413, "too_large")


@pytest.mark.parametrize("address", [RUNS, "/admin/login/", "/nothing"])
def test_300_mb_in_chunks_are_refused_early_and_touch_no_disk(server, address):
    server.send("GET", RUNS)  # whatever the first request loads
    written, resident = written_bytes(server), resident_bytes(server)

    with server.connect(f"POST {address}", CHUNKED) as connection:
        sent = send_chunks(connection, HUGE)

        assert_refused(connection, 413, "too_large")
    assert sent < 60 * MEGABYTE  # buffers of the system included
    assert written_bytes(server) - written < MEGABYTE
    assert resident_bytes(server) - resident < 60 * MEGABYTE


def test_the_forms_of_the_console_may_carry_more_than_the_api(server):
    with server.connect("POST /admin/login/", "Content-Length: 1000000") as connection:
        connection.sendall(b"x" * 1_000_000)

        assert answer_of(connection).status == 403  # no token against forgery


def test_who_expects_100_continue_is_told_before_the_body(server):
    with server.connect(f"POST {RUNS}", f"Content-Length: {HUGE}", "Expect: 100-continue") as connection:
        assert_refused(connection, 413, "too_large")

    with server.connect(f"POST {RUNS}", "Content-Length: 2", "Expect: 100-continue") as connection:
        assert connection.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"[:25]
        connection.sendall(b"{}")

        assert answer_of(connection).status == 401


def test_a_connection_serves_the_next_request_after_a_body_within_the_limit(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    for _ in range(2):
        connection.request("POST", RUNS, b"x" * 200_000)
        answer = connection.getresponse()
        assert (answer.status, bool(answer.read())) == (401, True)
    connection.close()


def test_bodies_that_do_not_arrive_are_408_and_hold_up_nobody(impatient):
    half = [
        impatient.connect(f"POST {address}", *length)
        for address in (RUNS, "/admin/login/", "/nothing")
        for length in [(CHUNKED,), ("Content-Length: 100",)] * 15
    ]
    for connection in half[::2]:
        connection.sendall(b"5\r\nhello\r\n" if connection in half[::4] else b"")

    assert impatient.send("GET", "/livez")[0] == 200
    for connection in half:
        with connection:
            assert_refused(connection, 408, "body_timeout")
            assert connection.recv(1) == b""


def test_a_body_that_trickles_is_408(impatient):
    with impatient.connect(f"POST {RUNS}", "Content-Length: 100000") as connection:
        connection.settimeout(0.05)
        answer = b""
        while not answer:
            try:
                connection.sendall(b"x")
                answer = connection.recv(12)
            except TimeoutError:
                continue

    assert answer == b"HTTP/1.1 408"
