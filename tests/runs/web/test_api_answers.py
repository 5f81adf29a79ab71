"""Answers below the API's address where no view of ours was reached, and the policy of pages."""

from types import ModuleType

import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpResponse, HttpResponseNotAllowed
from django.test import Client
from django.urls import include, path

from runs.web.api_answers import ApiAnswers
from tests.runs.api.conftest import NOBODY, RUNS, Api, assert_problem

pytestmark = pytest.mark.django_db

BELOW = [RUNS, f"{RUNS}{NOBODY}/", "/api/v1/nothing/", "/api/", "/api/schema/", "/api/docs/", "/livez", "/readyz"]


@pytest.fixture
def api(tenant) -> Api:
    from runs.operations.accounts import make_token

    return Api(make_token(tenant_slug=tenant.slug))


@pytest.mark.parametrize("debug", [False, True])
def test_a_foreign_host_is_a_problem_document(debug, settings):
    settings.DEBUG = debug

    for address in BELOW:
        for host in ("evil.example", "a b", "x" * 300, "127.0.0.1:port", "[::1"):
            assert_problem(Client().get(address, headers={"Host": host}), 400, "malformed")


def test_a_foreign_host_is_one_line_in_the_log(caplog):
    Client().get(RUNS, headers={"Host": "evil.example"})

    assert len(caplog.records) == 1 and "evil.example" in caplog.text


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Http404(), 404, "not_found"),
        (PermissionDenied(), 403, "forbidden"),
        (SuspiciousOperation(), 400, "malformed"),
        (ZeroDivisionError(), 500, "server_error"),
    ],
)
def test_an_error_of_another_middleware_is_a_problem_document(error, status, code, settings):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "tests.runs.web.test_api_answers.failing"]
    failing.error = error

    assert_problem(Client(raise_request_exception=False).get(RUNS), status, code)


def failing(get_response):
    def fail(request):
        raise failing.error

    return fail


def test_what_a_page_refuses_keeps_its_headers(rf):
    response = ApiAnswers(lambda request: HttpResponseNotAllowed(["GET"]))(rf.post(RUNS))

    assert_problem(response, 405, "method_not_allowed") if hasattr(response, "json") else None
    assert (response.status_code, response["Allow"]) == (405, "GET")


def test_other_addresses_keep_their_own_errors(rf):
    page = ApiAnswers(lambda request: HttpResponse("a page", status=400))(rf.get("/apiary/"))

    assert page.content == b"a page" and "Cache-Control" not in page


@pytest.fixture
def urls(settings):
    """The addresses of a project of somebody else."""
    urls = ModuleType("urls_of_a_host")
    urls.urlpatterns = []
    settings.ROOT_URLCONF = urls
    return urls.urlpatterns


def answered(rf, address):
    return ApiAnswers(lambda request: HttpResponse("a page", status=400))(rf.get(address))


@pytest.mark.parametrize("prefix", ["", "agents/"])
def test_the_projects_own_api_is_not_touched_wherever_ours_is_included(rf, urls, prefix):
    urls.append(path(prefix, include("runs.urls")))

    for own in ("api/", "api/own/greeting/", "api/v10/", "api/schema/", "livezoo", "runs/", "own/"):
        page = answered(rf, f"/{prefix}{own}")
        assert page.content == b"a page" and "Cache-Control" not in page, own
    for ours in ("api/v1", "api/v1/", "api/v1/runs/", "api/v1/nothing", "livez", "readyz"):
        problem = answered(rf, f"/{prefix}{ours}")
        assert (problem["Content-Type"], problem["Cache-Control"]) == ("application/problem+json", "no-store"), ours


def test_a_project_that_does_not_include_our_addresses_is_served(rf, urls):
    assert answered(rf, "/api/v1/runs/").content == b"a page"


MALFORMED = [
    *("/api/v1", "/api/v1/runs", "/api/%00/", f"{RUNS}%00/", f"{RUNS}%ff/", f"{RUNS}?job_type=%00", f"{RUNS}?%00=1"),
    *(f"{RUNS}?{'a=1&' * 1100}", f"{RUNS}?cursor=%00", f"{RUNS}{NOBODY}/%0a/", "/api/v1/usage/?by=%00"),
    "/api/docs/nothing",
]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "BREW"])
def test_no_answer_is_kept_and_no_error_is_a_page(api, method):
    for address in (*BELOW, *MALFORMED):
        for answer in (api.send(method, address), Api(None).send(method, address)):
            assert answer["Cache-Control"] == "no-store", address
            assert answer.status_code < 500, address
            assert answer.status_code < 400 or answer["Content-Type"] == "application/problem+json", address


@pytest.mark.parametrize(
    "content_type",
    ["multipart/form-data", "multipart/form-data; boundary=x", "text/plain; charset=nonsense", "a/b/c", "\x00",
     "application/json; charset=utf-16", "application/x-www-form-urlencoded"],
)  # fmt: skip
def test_a_malformed_body_is_a_problem_document(api, content_type):
    for body in (b"--x\r\nContent-Disposition: form-data; name=a\r\n", b"\xff", b"%"):
        answer = api.send("POST", RUNS, body, content_type=content_type)

        assert_problem(answer, 415, answer.json()["code"])


def test_every_page_has_the_policy():
    for address in ("/admin/login/", "/api/docs/", RUNS, "/nothing", "/livez"):
        policy = Client().get(address)["Content-Security-Policy"]

        assert "default-src 'none'" in policy
        assert not [one for one in ("unsafe", "http", "*", "data:", "nonce") if one in policy]
