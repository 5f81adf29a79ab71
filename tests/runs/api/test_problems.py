"""Whatever arrives, the answer is a problem document and never a stack trace."""

import io
import json

import django
import pytest
from django.db import OperationalError, connection
from django.test import Client, RequestFactory

from runs.api.runs import RunViewSet
from runs.models import Run
from tests.runs.api.conftest import NOBODY, RUNS, Api, assert_problem

pytestmark = pytest.mark.django_db

CLERK = {"job_type": "clerk", "input": {"text": "hello"}}
TOO_LARGE = b'{"job_type": "clerk", "input": {"text": "' + b"x" * 262_144 + b'"}}'


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"nonsense",
        b"null",
        b"[]",
        b'"clerk"',
        b"5",
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"job_type": "clerk", "job_type": "squares"}',
        b'{"job_type": "squares", "input": {"upto": 1, "upto": 2}}',
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
        b"[" * 100_000,
        b'\xff\xfe{"a": 1}',
        b'{"a": "\xff"}',
        b"\xef\xbb\xbf{}",
        json.dumps(CLERK).encode("utf-16"),
    ],
)
def test_what_is_not_one_json_object_is_400(api, raw):
    assert_problem(api.post(RUNS, raw), 400, "malformed")


def test_a_number_that_no_float_holds_is_422(api):
    raw = b'{"job_type": "clerk", "input": {"text": "x"}, "metadata": {"a": 1e999}}'

    assert_problem(api.post(RUNS, raw), 422, "invalid", "metadata")


@pytest.mark.parametrize(
    "content_type",
    [
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain",
        "garbage",
        "application/json; charset=utf-16",
        "application/json; charset=rot13",
        "application/json; charset=nonsense",
        pytest.param(
            "application/json; a=" + "x" * 50_000,
            marks=pytest.mark.skipif(
                django.VERSION >= (6, 1), reason="Django itself refuses the header, before any view"
            ),
        ),
    ],
)
def test_a_body_that_is_not_json_is_415(api, content_type):
    answer = api.send("POST", RUNS, CLERK, content_type=content_type)

    assert_problem(answer, 415, "unsupported_media_type")


@pytest.mark.parametrize("content_type", ["application/json", "Application/JSON; charset=UTF-8", "application/json;"])
def test_json_is_recognised(api, content_type):
    assert api.send("POST", RUNS, CLERK, content_type=content_type).status_code == 202


def test_a_body_over_256_kb_is_413_and_one_of_just_that_is_taken(api):
    room = 262_144 - len(json.dumps(CLERK))
    fits = CLERK | {"input": {"text": "hello" + "x" * room}}

    assert api.post(RUNS, fits).status_code == 202
    fits["input"]["text"] += "x"
    assert_problem(api.post(RUNS, fits), 413, "too_large")


def test_a_body_of_many_megabytes_is_413_and_not_read(api):
    assert_problem(api.post(RUNS, b"x" * 6_000_000), 413, "too_large")


@pytest.mark.parametrize("path", ["actions/bulk/", "dead-letters/{}/replay/", "runs/{}/messages/"])
def test_every_body_is_bounded(api, path):
    assert_problem(api.post("/api/v1/" + path.format(NOBODY), TOO_LARGE), 413, "too_large")


def test_an_answer_does_not_repeat_a_body_that_is_wrong_in_a_thousand_places(api):
    answer = api.post(RUNS, {f"field_{n}": n for n in range(9000)})

    document = assert_problem(answer, 422, "invalid")
    assert len(answer.content) < 20_000 and document["errors"][0]["field"] == "field_0"


def test_a_long_name_is_cut(api):
    assert len(api.post(RUNS, {"x" * 200_000: 1}).content) < 5_000


# Addresses and methods


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("path", ["/api/v1/nope/", "/api/v1/", "/api/v1/runs/nope/", "/api/v1/runs/%00/", "/api/v1/x"])
def test_an_unknown_address_is_a_404_problem(api, settings, path, debug):
    settings.DEBUG = debug

    for method in ("GET", "POST", "DELETE"):
        assert_problem(api.send(method, path), 404, "not_found")


def test_an_unknown_address_beside_the_version_is_a_404_problem(api):
    assert_problem(api.get("/api/nope/"), 404, "not_found")


def test_an_unknown_page_for_people_is_html(client):
    assert client.get("/nope/").headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("debug", [False, True])
def test_a_post_without_the_last_slash_is_a_404_problem_that_says_so(api, settings, debug):
    settings.DEBUG = debug

    document = assert_problem(api.post(RUNS.rstrip("/"), CLERK), 404, "not_found")

    assert "slash" in document["detail"] and not Run.objects.exists()


def test_a_get_without_the_last_slash_is_led_on(api):
    answer = api.get("/api/v1/runs?limit=1")

    assert (answer.status_code, answer.headers["Location"]) == (301, "/api/v1/runs/?limit=1")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"])
@pytest.mark.parametrize("path", [RUNS, f"{RUNS}{NOBODY}/", "/api/v1/job-types/", f"{RUNS}{NOBODY}/cancel/"])
def test_a_method_that_nobody_offers_is_405_and_tells_those_that_are(api, method, path):
    answer = api.send(method, path)

    assert_problem(answer, 405, "method_not_allowed")
    assert set(answer.headers["Allow"].split(", ")) <= {"GET", "HEAD", "POST"}


@pytest.mark.parametrize("accept", ["text/html", "image/png", "a/b/c"])
def test_a_client_that_takes_no_json_gets_a_406_problem(api, accept):
    assert_problem(api.get(RUNS, Accept=accept), 406, "not_acceptable")


def test_a_problem_is_json_where_the_answer_would_be_another_format(client):
    assert_problem(client.post("/api/schema/"), 405, "method_not_allowed")


@pytest.mark.parametrize("id_", ["x", NOBODY.replace("-", ""), f"{NOBODY}0", "%F0%9F%92%A5", "..", "%2e%2e%2f"])
def test_what_is_no_id_is_404(api, id_):
    assert_problem(api.get(f"{RUNS}{id_}/"), 404, "not_found")


@pytest.mark.parametrize("path", ["queues/", "schedules/", "webhooks/", "artifacts/", f"workflows/{NOBODY}/"])
def test_an_address_of_the_design_that_is_not_built_says_so(api, path):
    for method in ("GET", "POST"):
        assert_problem(api.send(method, f"/api/v1/{path}"), 422, "not_supported")


# What breaks


def away(execute, sql, params, many, context):
    raise OperationalError("connection refused")


def test_with_the_database_away_the_answer_is_503_and_when_to_come_back(api):
    with connection.execute_wrapper(away):
        answer = api.post(RUNS, CLERK)

    assert_problem(answer, 503, "database_away")
    assert answer.headers["Retry-After"] == "2"


@pytest.mark.parametrize("debug", [False, True])
def test_what_nobody_foresaw_is_a_500_problem_without_a_stack_trace(api, settings, monkeypatch, debug, caplog):
    settings.DEBUG = debug
    monkeypatch.setattr("runs.api.runs.post", lambda *_, **__: 1 / 0)

    answer = api.post(RUNS, CLERK)

    document = assert_problem(answer, 500, "server_error")
    assert "ZeroDivision" not in json.dumps(document) and "ZeroDivisionError" in caplog.text


def test_a_stream_without_a_length_is_read_too(token):
    """What an ASGI server hands over of a chunked body: no Content-Length."""
    api = Api(token)
    request = RequestFactory().generic(
        "POST", RUNS, json.dumps(CLERK), content_type="application/json", headers={"Authorization": f"Bearer {token}"}
    )
    del request.META["CONTENT_LENGTH"]
    request._stream = io.BytesIO(json.dumps(CLERK).encode())  # type: ignore[attr-defined]

    answer = RunViewSet.as_view({"post": "create"})(request)

    assert answer.status_code == 202 and api.get(answer.headers["Location"]).status_code == 200


def test_a_browser_with_a_session_needs_a_token_all_the_same(admin_client: Client):
    assert_problem(admin_client.get(RUNS), 401, "unauthenticated")
