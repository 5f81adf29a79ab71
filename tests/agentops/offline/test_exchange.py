"""The HTTP side: authentication, routes, headers, sizes."""

import http.client
import json
import time
from datetime import datetime

import anthropic
import httpx2
import pytest

TALKING = {"name": "talking", "turns": [{"content": [{"type": "text", "text": "Hi"}]}]}
REQUEST = {"model": "claude-opus-5-5", "max_tokens": 10, "messages": [{"role": "user", "content": "Hello"}]}


@pytest.fixture
def model(serve):
    return serve(TALKING)


@pytest.fixture
def http_client(model):
    with httpx2.Client(base_url=model.base_url, timeout=5) as client:
        yield client


@pytest.mark.parametrize("headers", [{}, {"authorization": "Basic abc"}, {"authorization": "Bearer"}])
@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens"])
def test_a_request_without_a_key_is_refused(http_client, path, headers):
    answer = http_client.post(path, json=REQUEST, headers=headers)

    assert answer.status_code == 401
    assert answer.json()["error"]["type"] == "authentication_error"


@pytest.mark.parametrize("headers", [{"x-api-key": "any"}, {"authorization": "Bearer any"}])
def test_any_key_will_do(http_client, headers):
    assert http_client.post("/v1/messages", json=REQUEST, headers=headers).status_code == 200


def test_the_sdk_sees_a_missing_key_as_an_authentication_error(connect, ask, model):
    client = connect(model)

    with pytest.raises(anthropic.AuthenticationError):
        client.messages.create(**ask(), extra_headers={"authorization": anthropic.Omit()})


@pytest.mark.parametrize("path", ["/v1/complete", "/"])
def test_an_unknown_path_is_not_found(http_client, path):
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        answer = http_client.request(method, path)
        assert answer.status_code == 404
        assert answer.json()["error"]["type"] == "not_found_error"


def test_an_error_repeats_its_request_id_in_the_body(http_client):
    answer = http_client.post("/v1/messages", content=b"{", headers={"x-api-key": "any"})

    body = answer.json()
    assert (answer.status_code, body["type"]) == (400, "error")
    assert body["request_id"] == answer.headers["request-id"]


def test_every_answer_has_a_request_id_of_its_own(http_client):
    answers = [http_client.get("/healthz"), http_client.get("/nowhere"), http_client.get("/healthz")]

    assert len({answer.headers["request-id"] for answer in answers}) == 3


def test_every_answer_tells_the_rate_limits(http_client):
    headers = http_client.post("/v1/messages", json=REQUEST, headers={"x-api-key": "any"}).headers

    for name in ("requests", "tokens", "input-tokens", "output-tokens"):
        limit, remaining = (int(headers[f"anthropic-ratelimit-{name}-{part}"]) for part in ("limit", "remaining"))
        assert 0 < remaining < limit
        assert datetime.fromisoformat(headers[f"anthropic-ratelimit-{name}-reset"]).tzinfo is not None


def test_the_sdk_finds_the_request_id(connect, ask, model):
    message = connect(model).messages.create(**ask())

    assert message._request_id == model.requests[0]["request_id"]


def test_the_server_says_that_it_is_well(http_client):
    answer = http_client.get("/healthz")

    assert (answer.status_code, answer.json()["status"]) == (200, "ok")


def test_a_body_of_more_than_32_mb_is_too_large(connect, ask, model):
    client = connect(model)

    with pytest.raises(anthropic.ContentTooLargeError) as raised:
        client.messages.create(**ask("x" * (32 * 1024 * 1024)))

    assert raised.value.body["error"]["type"] == "request_too_large"


def test_a_body_of_unknown_length_is_refused(model):
    connection = http.client.HTTPConnection("127.0.0.1", model.port, timeout=5)
    connection.putrequest("POST", "/v1/messages")
    connection.endheaders()

    answer = connection.getresponse()

    assert answer.status == 400
    assert "content-length" in json.loads(answer.read())["error"]["message"]
    connection.close()


def test_one_connection_serves_many_requests(model):
    connection = http.client.HTTPConnection("127.0.0.1", model.port, timeout=5)
    connection.connect()
    opened = connection.sock

    for _ in range(3):
        connection.request("POST", "/v1/messages", json.dumps(REQUEST), {"x-api-key": "any"})
        assert json.loads(connection.getresponse().read())["type"] == "message"

    assert connection.sock is opened
    connection.close()


def test_an_answer_in_parts_does_not_wait_for_acknowledgements(model):
    connection = http.client.HTTPConnection("127.0.0.1", model.port, timeout=5)
    took = []

    for _ in range(60):
        started = time.perf_counter()
        connection.request("POST", "/v1/messages", json.dumps(REQUEST), {"x-api-key": "any"})
        connection.getresponse().read()
        took.append(time.perf_counter() - started)

    # The client's kernel delays its acknowledgements by 40 ms once the connection is no longer new.
    assert min(took[40:]) < 0.035
    connection.close()


def test_a_query_string_changes_nothing(connect, ask, model):
    message = connect(model).beta.messages.create(**ask(), extra_query={"beta": "true"})

    assert message.content[0].text == "Hi"
