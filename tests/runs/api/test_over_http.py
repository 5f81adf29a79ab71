"""The API behind a real server: bodies in chunks, and many clients at once."""

import json
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.databases import fresh_database
from tests.runs.api.conftest import RUNS
from tests.web_server import Server

pytestmark = pytest.mark.slow

BODY = json.dumps({"job_type": "squares", "input": {"upto": 1}}).encode()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="api-") as var, fresh_database(var) as database:
        server = Server(var, database)
        server.prepare()
        with server.running():
            yield server


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
