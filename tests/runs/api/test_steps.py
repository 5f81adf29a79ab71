"""The trace of a run."""

import pytest

from tests.runs.api.conftest import RUNS

pytestmark = pytest.mark.django_db

LEAST = set(
    "seq kind name status attempt effect effect_key arguments result error usage cost_usd started_at "
    "finished_at".split()
)


def steps(api, run_id, query=""):
    return api.get(f"{RUNS}{run_id}/steps/{query}").json()


def test_function_steps_hold_the_least_fields(api, completed):
    first, second = steps(api, completed.pk)["results"]

    assert first.keys() >= LEAST
    assert [(s["seq"], s["kind"], s["name"], s["status"]) for s in (first, second)] == [
        (1, "function", "square-1", "completed"),
        (2, "function", "square-2", "completed"),
    ]
    assert (first["effect"], first["attempt"], first["cost_usd"], first["error"]) == ("read", 1, "0", None)
    assert first["started_at"].endswith("Z") and first["finished_at"].endswith("Z")


def test_a_failed_step_tells_its_error(api, failed):
    step = steps(api, failed.pk)["results"][1]

    assert (step["status"], step["error"]["type"]) == ("failed", "ValueError")
    assert step["error"].keys() == {"type", "message"} and "Traceback" not in step["error"]["message"]


def test_model_and_tool_calls_are_told_apart(api, outcome):
    asked, called = steps(api, outcome.run_id)["results"]

    assert (asked["kind"], called["kind"]) == ("model_call", "tool_call")
    assert asked["usage"]["output_tokens"] > 0 and asked["cost_usd"] != "0"
    assert (called["name"], called["effect"], called["status"]) == ("send", "unsafe", "unknown")
    assert called["arguments"] == {"to": "bob"}
    assert called["effect_key"] and len(called["effect_key"]) <= 64
    assert called["effect_key"].replace("-", "").replace("_", "").isalnum()


def test_pages_are_in_order_and_reach_the_end(api, post, work):
    run = post("squares", input={"upto": 7})
    work()

    seen, url = [], f"{RUNS}{run.pk}/steps/?limit=3"
    while url:
        page = api.get(url).json()
        seen += [step["seq"] for step in page["results"]]
        url = page["next"]

    assert seen == [1, 2, 3, 4, 5, 6, 7]
