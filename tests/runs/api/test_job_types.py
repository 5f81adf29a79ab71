"""The catalog of job types."""

import pytest

from tests.testapp.agents import Squares

pytestmark = pytest.mark.django_db


@pytest.fixture
def by_name(api):
    answer = api.get("/api/v1/job-types/").json()
    assert answer.keys() == {"results", "next"} and answer["next"] is None
    return {job_type["name"]: job_type for job_type in answer["results"]}


def test_an_agent_tells_its_model_tools_and_limits(by_name):
    clerk = by_name["clerk"]

    assert (clerk["form"], clerk["queue"], clerk["model"]) == ("agent", "agents", "claude-sonnet-5-5")
    assert clerk["input_schema"]["required"] == ["text"] and clerk["output_schema"] is None
    assert clerk["description"] == "Has every kind of tool."
    tools = {tool["name"]: (tool["effect"], tool["approval"]) for tool in clerk["tools"]}
    assert tools["look_up"] == ("read", "never") and tools["refund"] == ("unsafe", "always")
    assert tools["small_refund"] == ("unsafe", "by rule")
    assert (by_name["single"]["max_running_per_tenant"], by_name["thrifty"]["max_cost_usd"]) == (1, "0.001")


def test_a_job_tells_its_schema(by_name):
    squares = by_name["squares"]

    assert (squares["form"], squares["model"], squares["tools"]) == ("job", None, [])
    assert squares["input_schema"]["properties"]["upto"] == {"type": "integer"}


def test_what_a_plain_job_calls_its_own_is_not_taken_for_an_agents(api, monkeypatch):
    monkeypatch.setattr(Squares, "model", dict, raising=False)
    monkeypatch.setattr(Squares, "tools", property(lambda self: {"a": 1}), raising=False)

    listed = {one["name"]: one for one in api.get("/api/v1/job-types/").json()["results"]}

    assert (listed["squares"]["model"], listed["squares"]["tools"]) == (None, [])


def test_a_whole_number_of_seconds_stays_whole(api):
    answer = api.get("/api/v1/job-types/").content.decode()

    assert '"unique_for_s":60,' in answer and '"fresh_for_s":3600,' in answer


def test_what_is_listed_can_be_posted(api, by_name):
    assert api.post("/api/v1/runs/", {"job_type": "squares", "input": {"upto": 1}}).status_code == 202


def test_the_catalog_has_no_filters(api):
    assert api.get("/api/v1/job-types/?form=agent").status_code == 422
    assert api.send("HEAD", "/api/v1/job-types/").status_code == 200
