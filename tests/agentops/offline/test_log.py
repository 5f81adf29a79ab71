"""The record of message requests."""

import json
import time

import anthropic
import httpx2
import pytest

TALKING = {"name": "talking", "turns": [{"content": [{"type": "text", "text": "Hi"}]}]}


def faulty(**fault):
    return {"name": "faulty", "turns": [{"content": [{"type": "text", "text": "Hi"}], "faults": [fault]}]}


def test_a_served_request_is_recorded_with_its_answer(serve, connect, ask):
    model = serve(TALKING, clock=lambda: 1_800_000_000.0)
    request = ask("Hello", metadata={"user_id": "run-7"})

    message = connect(model).messages.create(**request)

    (entry,) = model.requests
    assert entry == {
        "at": 1_800_000_000.0,
        "request_id": message._request_id,
        "user_id": "run-7",
        "body": request,
        "status": 200,
        "fault": None,
        "response": entry["response"],
        "aborted": False,
    }
    assert entry["response"]["id"] == message.id


def test_a_request_is_recorded_before_its_client_goes_on(serve, connect, ask):
    model = serve(TALKING)
    client = connect(model)

    for number in range(1, 30):
        with client.messages.stream(**ask()) as stream:
            stream.until_done()
        assert len(model.requests) == number


def test_a_refused_request_is_recorded_with_its_status(serve, connect, ask):
    model = serve(TALKING)

    with pytest.raises(anthropic.BadRequestError):
        connect(model).messages.create(**ask(), extra_body={"colour": "red"})

    (entry,) = model.requests
    assert (entry["status"], entry["response"], entry["body"]["colour"]) == (400, None, "red")


def test_a_body_that_is_no_json_is_recorded_as_none(serve):
    model = serve(TALKING)

    httpx2.post(f"{model.base_url}/v1/messages", content=b"{", headers={"x-api-key": "any"})

    assert (model.requests[0]["status"], model.requests[0]["body"]) == (400, None)


@pytest.mark.parametrize(
    ("fault", "aborted"),
    [({"kind": "cut"}, True), ({"kind": "truncate"}, False), ({"kind": "hang", "seconds": 0}, True)],
)
def test_an_injected_fault_is_named(serve, connect, ask, fault, aborted):
    model = serve(faulty(**fault))

    try:
        with connect(model).messages.stream(**ask()) as stream:
            stream.until_done()
    except (anthropic.APIError, httpx2.HTTPError):
        pass

    (entry,) = model.requests
    assert (entry["fault"], entry["aborted"]) == (fault["kind"], aborted)
    assert entry["response"]["content"] == [{"type": "text", "text": "Hi"}]


def test_a_client_that_leaves_early_is_recorded_at_once(serve, connect, ask):
    model = serve(faulty(kind="hang", seconds=60, after="message_start"))

    with connect(model).messages.stream(**ask()) as stream:
        next(iter(stream))

    deadline = time.monotonic() + 2
    while not model.requests and time.monotonic() < deadline:
        time.sleep(0.01)
    assert model.requests[0]["aborted"] is True


def test_the_file_holds_one_line_for_each_request(serve, connect, ask, tmp_path):
    path = tmp_path / "requests.jsonl"
    model = serve(TALKING, log=path)
    client = connect(model)

    for question in ("One\nline", "Zwölf"):
        client.messages.create(**ask(question))

    assert [json.loads(line) for line in path.read_text().splitlines()] == model.requests


def test_the_requests_can_be_fetched_as_json_lines(serve, connect, ask):
    model = serve(TALKING)
    connect(model).messages.create(**ask())

    answer = httpx2.get(f"{model.base_url}/offline/requests")

    assert [json.loads(line) for line in answer.text.splitlines()] == model.requests
