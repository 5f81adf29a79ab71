"""A client that speaks JSON with a token, and runs brought into every state by real work."""

import json
from typing import Any

import pytest
from django.test import Client

from deadletters.models import DeadLetter
from runs.models import SCOPES, ApiToken, PendingAction, Run, Tenant, hash_token
from runs.operations.accounts import make_member, make_tenant, make_token
from runs.operations.post_run import RunRequest, post_run
from tests.testapp.agents import CALLS, FAIL, HAPPENED, KEYS

RUNS = "/api/v1/runs/"
ACTIONS = "/api/v1/actions/"
LETTERS = "/api/v1/dead-letters/"
GROUPS = "/api/v1/dead-letter-groups/"
REDRIVES = "/api/v1/redrives/"
NOBODY = "00000000-0000-0000-0000-000000000000"


class Api:
    """A client with one token. An exception that escapes a view fails the test, as a stack trace would."""

    def __init__(self, token: str | None) -> None:
        self.token = token
        self.client = Client(enforce_csrf_checks=True)  # as a server does

    def send(self, method: str, path: str, body: Any = None, *, content_type="application/json", **headers: str):
        sent = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        return self.client.generic(method, path, raw, content_type=content_type, headers=sent | headers)

    def get(self, path: str, **headers: str):
        return self.send("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str):
        return self.send("POST", path, body, **headers)


def assert_problem(response: Any, status: int, code: str, *fields: str) -> dict[str, Any]:
    """Hold an answer against RFC 9457, and return it. `fields` are the fields it must name."""
    assert response.status_code == status, response.content
    assert response.headers["Content-Type"] == "application/problem+json"
    document = response.json()
    assert {"type", "title", "status", "code", "detail"} <= document.keys()
    assert (document["status"], document["code"]) == (status, code), document
    assert "Traceback" not in response.content.decode()
    if fields:
        assert [error["field"] for error in document["errors"]] == list(fields), document
    return document


def reasons(api: Api, run: Run) -> list[str]:
    """Read the codes of why a run waits."""
    return [reason["code"] for reason in api.get(f"{RUNS}{run.pk}/").json()["why"]]


def say(text: str, **more: Any) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": text}], **more}


def use(name: str, **arguments: Any) -> dict[str, Any]:
    return {"content": [{"type": "tool_use", "name": name, "input": arguments}]}


@pytest.fixture(autouse=True)
def _fresh() -> None:
    for memory in (CALLS, KEYS, FAIL, HAPPENED):
        memory.clear()


@pytest.fixture
def api(token: str) -> Api:
    return Api(token)


@pytest.fixture
def api_of(tenant: Tenant):
    """Make a client of another user of the tenant, or with other scopes."""

    def make(username: str | None = None, *, slug: str = tenant.slug, scopes: list[str] | None = None) -> Api:
        return Api(make_token(tenant_slug=slug, username=username, scopes=SCOPES if scopes is None else scopes))

    return make


@pytest.fixture
def foreign(api_of) -> Api:
    """A client of another tenant, with every scope."""
    return api_of(slug="globex")


@pytest.fixture
def root(tenant: Tenant, api_of) -> Api:
    """A client of a superuser."""
    user = make_member(tenant, "root")
    user.is_superuser = True
    user.save()
    return api_of("root")


@pytest.fixture
def post_foreign(db):
    """Post a run of another tenant."""

    def post(job_type: str = "squares", **request: Any) -> Run:
        other = make_tenant("globex")
        request.setdefault("input", {"upto": 1})
        run, _ = post_run(
            RunRequest(job_type=job_type, **request), tenant=other, user=make_member(other, None), origin="test"
        )
        return run

    return post


@pytest.fixture
def completed(post, work) -> Run:
    run = post("squares", input={"upto": 2})
    work()
    run.refresh_from_db()
    assert run.status == "completed"
    return run


@pytest.fixture
def failed(post, work) -> Run:
    FAIL["square-2"] = [ValueError("two is out of order")]
    run = post("squares", input={"upto": 3})
    work()
    run.refresh_from_db()
    assert run.status == "failed"
    return run


@pytest.fixture
def letter(failed: Run) -> DeadLetter:
    return DeadLetter.objects.get(run_id=failed.pk)


@pytest.fixture
def stories(offline):
    """One model that plays a story for each kind of pending action; the client of the engine talks to one only."""

    def story(word: str, *turns: dict[str, Any]) -> dict[str, Any]:
        return {"when": {"first_user_contains": word}, "turns": list(turns)}

    return offline(
        story("refund", use("refund", order_id="7", amount_usd=5.0), say("Done.")),
        story("talk", say("Which order?"), say("Thank you.")),
        story("send", use("send", to="bob"), say("Sent.")),
        story("spend", say("Never asked.")),
    )


def _action(run: Run, work: Any, kind: str) -> PendingAction:
    work()
    action = PendingAction.objects.get(run=run)
    assert action.kind == kind
    return action


@pytest.fixture
def approval(stories, post, work) -> PendingAction:
    """An open action that asks for a refund."""
    return _action(post("clerk", "refund"), work, "approval")


@pytest.fixture
def question(stories, post, work) -> PendingAction:
    """An open question of a conversing agent."""
    return _action(post("talker", "talk"), work, "question")


@pytest.fixture
def outcome(stories, post, work) -> PendingAction:
    """An open action that asks whether a message was sent."""
    FAIL["send"] = [ConnectionError("reset by peer")]
    return _action(post("clerk", "send"), work, "outcome")


@pytest.fixture
def budget(stories, post, work) -> PendingAction:
    """An open action that asks for more money."""
    return _action(post("thrifty", "spend"), work, "budget")


def row_of(token: str) -> ApiToken:
    """Find the row of a token."""
    return ApiToken.objects.get(hash=hash_token(token))
