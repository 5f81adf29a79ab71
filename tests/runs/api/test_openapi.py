"""The OpenAPI schema: it is whole, it tells of problems, and what it says of bodies and answers is true.

Hostile requests are made from the schema itself: whatever is sent, no answer is a 5xx and each fits its description.
"""

import json
import string
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlencode

import jsonschema
import pytest
from django.core.management import call_command
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deadletters.models import DeadLetter, LetterGroup
from deadletters.redrive.options import Selection
from deadletters.redrive.plan import plan
from runs.models import Limit
from tests.runs.api.conftest import NOBODY, RUNS

pytestmark = pytest.mark.django_db


@pytest.fixture
def redrive(failed, user):
    return plan(DeadLetter.objects.all(), Selection(), user=user)


@pytest.fixture
def limit(tenant):
    return Limit.objects.create(queue="agents", tenant=tenant, most=50)


@lru_cache(maxsize=1)
def schema() -> dict[str, Any]:
    generated: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return json.loads(json.dumps(generated, default=str))


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    return [(m, path, what) for path, ms in schema()["paths"].items() for m, what in ms.items() if "/v1/" in path]


def as_json_schema(node: Any) -> Any:
    """Translate OpenAPI 3.0 into the draft that jsonschema knows: `nullable` is another type there."""
    if isinstance(node, list):
        return [as_json_schema(one) for one in node]
    if not isinstance(node, dict):
        return node
    plain = {name: as_json_schema(inner) for name, inner in node.items() if name != "nullable"}
    return {"anyOf": [plain, {"type": "null"}]} if node.get("nullable") else plain


def assert_fits(answer: Any, operation: dict[str, Any]) -> None:
    """Hold an answer against what the schema says of it."""
    assert answer.status_code < 500, answer.content
    described = operation["responses"].get(str(answer.status_code))
    assert described, f"{answer.status_code} is not described: {answer.content!r}"
    content_type = answer.headers["Content-Type"].removesuffix("; charset=utf-8")
    media = described["content"][content_type]
    if content_type == "text/csv":
        return
    whole = as_json_schema(media["schema"] | {"components": schema()["components"]})
    jsonschema.Draft202012Validator(whole).validate(answer.json())


def test_the_schema_is_generated_without_a_warning(tmp_path):
    call_command("spectacular", "--fail-on-warn", "--validate", file=str(tmp_path / "schema.yaml"))


def test_the_schema_and_its_page_are_served_to_all(client):
    assert client.get("/api/schema/").status_code == 200
    assert b"swagger" in client.get("/api/docs/").content


def test_every_operation_tells_its_problems_and_that_it_needs_a_token():
    for method, path, operation in operations():
        expected = {"401", "403", "422", "429", "503"} | ({"404"} if "{" in path else set())
        expected |= {"400", "409", "413", "415"} if method == "post" else set()
        assert expected <= operation["responses"].keys(), (method, path)
        for status in expected:
            assert list(operation["responses"][status]["content"]) == ["application/problem+json"]
        assert operation["security"] == [{"bearer": []}]


def test_posting_a_run_names_the_key_and_every_field_of_the_body():
    posting = schema()["paths"][RUNS]["post"]
    body = schema()["components"]["schemas"]["PostRunRequest"]

    assert "Idempotency-Key" in [parameter["name"] for parameter in posting["parameters"]]
    assert set(body["properties"]) == set(
        "job_type input priority lane scheduled_at timeout_s max_cost_usd metadata webhook_url continues "
        "on_conflict".split()
    )
    assert body["required"] == ["job_type"] and "202" in posting["responses"]


def test_answers_are_what_the_schema_says(api, completed, failed, approval, outcome, question, budget, redrive, limit):
    letter, group = DeadLetter.objects.get(), LetterGroup.objects.get()
    for _, path, operation in [one for one in operations() if one[0] == "get"]:
        for pk in [
            letter.pk,
            group.pk,
            completed.pk,
            failed.pk,
            approval.run_id,
            approval.pk,
            outcome.pk,
            question.pk,
            budget.pk,
            redrive.pk,
            limit.pk,
        ]:
            assert_fits(api.get(path.replace("{id}", str(pk))), operation)


# Hostile requests

ODD_TEXT = st.text(st.characters(), max_size=12) | st.sampled_from(
    ["", "\x00", "\ud800", "NaN", "1e400", "2030-01-01", "0001-01-01T00:00:00+14:00", "'; --", "../..", NOBODY, "true"]
)
ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([-1, 0, 10, 2**31, 2**63, 2**64, 10**400, 1e308, -1e308, 5e-324])
    | st.floats(allow_nan=False, allow_infinity=False)
    | ODD_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ODD_TEXT, inner, max_size=3),
    max_leaves=8,
)
GOOD = {
    "queue": st.just("batch"),
    "most": st.integers(0, 9),
    "job_type": st.sampled_from(["clerk", "squares", "talker"]),
    "input": st.sampled_from([{"text": "x"}, {"upto": 1}]),
    "outcome": st.sampled_from(["happened", "did_not_happen"]),
    "arguments": st.sampled_from([{"order_id": "7", "amount_usd": 1}, {"max_cost_usd": "1"}])
    | st.fixed_dictionaries({"order_id": ODD, "amount_usd": ODD})
    | st.fixed_dictionaries({"max_cost_usd": ODD}),
    "text": st.just("hello"),
    "note": st.just("because"),
    "user": st.just("service@acme"),
    "due_at": st.just("2090-01-01T00:00:00Z"),
    "until": st.just("2090-01-01T00:00:00Z"),
    "above_per_hour": st.integers(1, 9),
    "from_step": st.integers(1, 3),
}


def bodies(operation: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Bodies that are nearly right: each field good, odd or missing, at times one that does not exist."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    names = ()
    if content:
        name = content["schema"]["$ref"].rpartition("/")[2]
        names = schema()["components"]["schemas"][name].get("properties", {})
    fields = {name: GOOD[name] | GOOD[name] | ODD if name in GOOD else ODD for name in names}
    must = {
        name: value
        for name, value in fields.items()
        if name in ("job_type", "input", "outcome", "text", "note", "user", "due_at")
    }
    may = {name: value for name, value in fields.items() if name not in must}
    return st.fixed_dictionaries(must, optional=may | {"surprise": ODD}) | st.dictionaries(ODD_TEXT, ODD, max_size=3)


def queries(operation: dict[str, Any]) -> st.SearchStrategy[Any]:
    names = [one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"]
    return st.dictionaries(st.sampled_from(names) if names else ODD_TEXT, ODD_TEXT, max_size=2)


def query_text(query: dict[str, str]) -> str:
    return urlencode({k.encode("utf-8", "replace"): v.encode("utf-8", "replace") for k, v in query.items()})


BRIEF = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.mark.parametrize(("method", "path"), [(method, path) for method, path, _ in operations()])
def test_no_hostile_request_breaks_it(api, approval, failed, outcome, budget, redrive, limit, method, path):
    operation = schema()["paths"][path][method]
    ids = {
        "runs": [failed.pk, approval.run_id],
        "actions": [approval.pk, outcome.pk, budget.pk],
        "dead-letters": [DeadLetter.objects.get().pk],
        "dead-letter-groups": [LetterGroup.objects.get().pk],
        "redrives": [redrive.pk],
        "limits": [limit.pk],
    }
    pks = [*ids.get(path.split("/")[3], []), NOBODY]

    @BRIEF
    @given(pk=st.sampled_from(pks), query=queries(operation), body=bodies(operation) if method == "post" else st.none())
    def attack(pk, query, body):
        address = path.replace("{id}", str(pk))
        if method == "get":
            address += f"?{query_text(query)}"
        assert_fits(api.send(method.upper(), address, body), operation)

    attack()


@BRIEF
@given(
    raw=st.binary(max_size=40), content_type=st.sampled_from(["application/json", "text/plain", "a/b; charset=\xff"])
)
def test_no_bytes_break_it(api, raw, content_type):
    answer = api.send("POST", RUNS, raw, content_type=content_type)

    assert_fits(answer, schema()["paths"][RUNS]["post"])


@BRIEF
@given(key=st.text(st.characters(max_codepoint=255), max_size=300))
def test_no_key_breaks_it(api, key):
    answer = api.post(RUNS, {"job_type": "squares", "input": {"upto": 1}}, **{"Idempotency-Key": key})

    assert_fits(answer, schema()["paths"][RUNS]["post"])


@BRIEF
@given(path=st.text(string.printable, max_size=20) | ODD_TEXT, method=st.sampled_from(["GET", "POST", "PUT", "HEAD"]))
def test_no_address_breaks_it(api, path, method):
    answer = api.send(method, "/api/v1/" + quote(path.encode("utf-8", "replace"), safe="/?&=%"))

    assert answer.status_code in (200, 301, 404, 405, 415, 422)
