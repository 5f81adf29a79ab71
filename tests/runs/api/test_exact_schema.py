"""The OpenAPI schema says of a body exactly what the API says: each value at and beyond its edge gets one verdict."""

from datetime import datetime
from typing import Any

import jsonschema
import pytest

from runs.api.strict_body import Body
from runs.errors import InvalidInputError
from tests.runs.api.conftest import NOBODY, RUNS
from tests.runs.api.test_openapi import as_json_schema, operations, schema

pytestmark = pytest.mark.django_db

LATER = "2090-01-01T00:00:00Z"
TEXT, HASH = "because", "0" * 64
GOOD: dict[str, dict[str, Any]] = {
    "ApproveRequest": {"arguments": {"order_id": "7"}, "note": TEXT, "seen": HASH},
    "AssignRequest": {"user": "service@acme", "note": TEXT},
    "BulkRequest": {"ids": [NOBODY], "verb": "approve", "note": TEXT, "dry_run": True, "seen": {NOBODY: HASH}},
    "ChangeLimitRequest": {"most": 5, "is_active": True, "note": TEXT},
    "DiscardRequest": {"note": TEXT},
    "EmptyRequest": {},
    "EscalateRequest": {"note": TEXT},
    "ForkRequest": {"from_step": 1, "input": {"upto": 1}},
    "GrantRuleRequest": {
        "tool": "lookup", "reason": TEXT, "expires_at": LATER, "max_uses": 5, "job_type": "clerk",
        "arguments": {"order_id": "7"}, "max_usd": "1.5", "max_total_usd": 2,
    },
    "IgnoreRequest": {"until": LATER, "above_per_hour": 5, "note": TEXT},
    "MessageRequest": {"text": TEXT, "end": False},
    "NoteRequest": {"note": TEXT},
    "PlanRequest": {
        "fingerprint": HASH, "job_type": "squares", "error_class": "ValueError", "failed_after": LATER,
        "failed_before": LATER, "ids": [NOBODY], "rate_per_s": 5.0, "concurrency": 2, "canary": 1,
        "stop_above_percent": 20,
    },
    "PostLimitRequest": {
        "queue": "agents", "job_type": "clerk", "model": "m", "tool": "t", "all_tenants": False,
        "kind": "rate", "most": 5, "per_s": 60, "each_tenant": False, "note": TEXT,
    },
    "PostPauseRequest": {
        "queue": "agents", "job_type": "clerk", "model": "m", "tool": "t", "all_tenants": False,
        "reason": TEXT, "until": LATER,
    },
    "PostRunRequest": {
        "job_type": "squares", "input": {"upto": 1}, "priority": 5, "lane": "standard", "scheduled_at": LATER,
        "timeout_s": 60, "max_cost_usd": "0.5", "metadata": {"a": 1}, "webhook_url": None, "continues": NOBODY,
        "on_conflict": "queue",
    },
    "RaiseRequest": {"max_cost_usd": "1.5", "note": TEXT},
    "ReassignRequest": {"to": "service@acme"},
    "RejectRequest": {"note": TEXT},
    "ReplayRequest": {"input": {"upto": 1}, "from_step": 1},
    "ResolveRequest": {"outcome": "happened", "result": [1], "note": TEXT},
    "TaskRequest": {"user": "service@acme", "note": TEXT, "due_at": LATER},
    "WordsRequest": {"text": TEXT},
}  # fmt: skip
LIMITS = ["minimum", "maximum", "maxLength", "maxItems"]
OF_ANY_FIELD: list[Any] = [
    None, True, "", " ", "\t\n", "\x85", "a\x00b", "x", " x ", "5", "0", "0.00", "1.000000000", "0000001.5", "-1",
    "1e2", "999999.99999999", "1000000", ".5", "5.", 0, -1, 0.5, 1e-8, 1e-9, 0.1 + 0.2, 999999.5, 1_000_000, 10**30,
    [], [1], {}, {"a": 1}, {"a": True}, [NOBODY], [NOBODY.replace("-", "")], NOBODY, NOBODY.replace("-", ""),
    f"urn:uuid:{NOBODY}", "A" + NOBODY[1:], LATER, LATER.lower(), LATER.replace("T", " "), "2090-01-01T00:00Z",
    "2090-01-01T00:00:00", "2090-01-01T00:00:00.123456+02:00", "2090-01-01T00:00:60Z", "2090-01-01T24:00:00Z",
    "2090-02-30T00:00:00Z", "2090-01-01", "batch", "queue", "Batch",
]  # fmt: skip


def body_schema(name: str) -> dict[str, Any]:
    whole: dict[str, Any] = schema()["components"]["schemas"][name]
    return whole


def edges(field: dict[str, Any]) -> list[Any]:
    """Values at each limit of a field, and just beyond it."""
    if "maxItems" in field:
        return [[NOBODY] * (field["maxItems"] + more) for more in (0, 1)]
    if "maxLength" in field:
        most = field["maxLength"]
        return ["x" * most, "x" * (most + 1), "x" * (most - 1) + "  ", " " * most]
    return [field[limit] + step for limit in ("minimum", "maximum") if limit in field for step in (-1, 0, 1)]


FORMATS = jsonschema.FormatChecker(["uuid"])


@FORMATS.checks("date-time")
def _is_moment(text: object) -> bool:
    """As RFC 3339, but without its leap seconds."""
    try:
        return not isinstance(text, str) or bool(datetime.fromisoformat(text).tzinfo)
    except ValueError:
        return False


def fits(name: str, body: dict[str, Any]) -> bool:
    whole = as_json_schema(body_schema(name) | {"components": schema()["components"]})
    return jsonschema.Draft202012Validator(whole, format_checker=FORMATS).is_valid(body)


def of(name: str) -> type[Any]:
    """Find the class that reads a body."""
    from deadletters.api import bodies as dead_letter_bodies
    from runs.api import action_bodies, bodies, limits

    classes = {
        f"{one.__name__}Request": one
        for module in (action_bodies, bodies, dead_letter_bodies, limits)
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, Body)
    }
    return classes[name]


def is_taken(name: str, body: dict[str, Any]) -> bool:
    unbuilt = body.get("webhook_url")  # refused as not built, not as malformed
    try:
        of(name).read(body)
    except InvalidInputError:
        return False
    return unbuilt is None


def test_there_is_a_good_body_for_every_post():
    posts = [operation for method, _, operation in operations() if method == "post"]
    refs = [one["requestBody"]["content"]["application/json"]["schema"]["$ref"] for one in posts]

    assert {ref.rpartition("/")[2] for ref in refs} == GOOD.keys()


@pytest.mark.parametrize("name", GOOD)
def test_a_good_body_fits_and_one_with_an_unknown_field_does_not(name):
    good = GOOD[name]

    assert set(good) | {"raise_usd"} >= body_schema(name).get("properties", {}).keys()
    assert fits(name, good) and is_taken(name, good)
    assert not fits(name, good | {"surprise": 1}) and not is_taken(name, good | {"surprise": 1})


@pytest.mark.parametrize("name", GOOD)
def test_the_schema_and_the_api_give_every_value_the_same_verdict(name):
    good, fields = GOOD[name], body_schema(name).get("properties", {})
    for field in fields:
        bodies = [good | {field: value} for value in [*OF_ANY_FIELD, *edges(fields[field])]]
        bodies.append({key: value for key, value in good.items() if key != field})
        differ = [body.get(field) for body in bodies if fits(name, body) != is_taken(name, body)]
        assert not differ, (name, field, differ)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("RaiseRequest", {}),
        ("RaiseRequest", {"max_cost_usd": "1", "raise_usd": "1"}),
        ("IgnoreRequest", {}),
        ("IgnoreRequest", {"until": None}),
        ("IgnoreRequest", {"until": None, "above_per_hour": None}),
    ],
)
def test_what_is_demanded_of_fields_together_is_said(name, body):
    assert not fits(name, body) and not is_taken(name, body)


QUERIES = [
    ("runs/", "limit", "1"), ("runs/", "limit", "0"), ("runs/", "limit", "-1"), ("runs/", "limit", "999999999"),
    ("runs/", "limit", "1000000000"), ("runs/", "job_type", "squares"), ("runs/", "job_type", ""),
    ("runs/", "job_type", " "), ("runs/", "parent", NOBODY), ("runs/", "parent", NOBODY.replace("-", "")),
    ("runs/", "created_after", LATER), ("runs/", "created_after", LATER.replace("T", " ")),
    ("runs/", "created_before", "2090-01-01T00:00:00"), ("actions/", "risk", "low"), ("actions/", "risk", "tiny"),
    ("usage/", "by", "model, day"), ("usage/", "by", "model,"), ("usage/", "by", "agent"), ("usage/", "by", "colour"),
    ("usage/", "since", "30d"), ("usage/", "since", "99999w"), ("usage/", "since", "100000d"),
    ("usage/", "since", "2020-01-31"), ("usage/", "since", "2020-W01-1"), ("usage/", "since", LATER[:-4] + "Z"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "name", "value"), QUERIES)
def test_so_it_is_with_parameters(api, path, name, value):
    described = schema()["paths"][f"/api/v1/{path}"]["get"]["parameters"]
    (one,) = [parameter["schema"] for parameter in described if parameter["name"] == name]
    said: Any = int(value) if one["type"] == "integer" else value

    fitting = jsonschema.Draft202012Validator(as_json_schema(one), format_checker=FORMATS).is_valid(said)

    assert api.client.get(
        f"/api/v1/{path}", {name: value}, headers={"Authorization": f"Bearer {api.token}"}
    ).status_code == (200 if fitting else 422)


def test_the_key_is_described(api):
    (one,) = [p for p in schema()["paths"][RUNS]["post"]["parameters"] if p["name"] == "Idempotency-Key"]

    described = jsonschema.Draft202012Validator(one["schema"])
    for key in ["k", "a b", "k" * 255, "k" * 256, "\x7f", "é"]:
        answer = api.post(RUNS, {"job_type": "squares", "input": {"upto": 1}}, **{"Idempotency-Key": key})
        assert (answer.status_code == 202) == described.is_valid(key), key
