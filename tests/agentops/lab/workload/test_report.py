"""Counting, and what makes a replay clean."""

import json

import pytest

from agentops.lab.workload.play import Played
from agentops.lab.workload.report import make_report
from agentops.lab.workload.request_log import ReceivedRequests
from agentops.lab.workload.tally import Tally, done, recorded


@pytest.fixture
def log(tmp_path, workload, entries_of):
    """The offline model's log after a faithful replay, its conversations mixed."""

    def write(*more):
        entries = [entry for c in reversed(workload.conversations) for entry in entries_of(workload, c)]
        lines = [
            json.dumps({**entry, "user_id": entry["body"]["metadata"]["user_id"]}) + "\n" for entry in (*entries, *more)
        ]
        (tmp_path / "log.jsonl").write_text("".join(lines))
        return ReceivedRequests(tmp_path / "log.jsonl")

    return write


@pytest.fixture
def played(workload, steps_of):
    """Three conversations played to their end."""
    return [
        Played(c.id, "workload-01", {"id": f"run-{c.id}", "cost_usd": "0.10"}, steps_of(workload, c))
        for c in workload.conversations
    ]


def report_of(workload, played, log):
    return make_report(workload, played, log, label="test", workers=2)


def test_a_faithful_replay_is_clean(workload, played, log):
    report = report_of(workload, played, log())

    assert report.is_clean
    assert report.expected == report.done == Tally(model_turns=7, closing_turns=1, tool_calls=5)
    document = json.loads(json.dumps(report.as_json()))
    assert (document["clean"], document["completed"], document["missing"], document["twice"]) == (True, 3, 0, 0)
    assert (document["requests"], document["cost_usd"]) == (8, "0.3")


def test_a_missing_step_is_counted_and_not_clean(workload, played, log):
    played[1].steps.pop()

    report = report_of(workload, played, log())

    assert not report.is_clean
    assert (report.done.closing_turns, report.done.missing) == (0, 1)
    assert report.comparison.differences


def test_a_run_that_waits_for_a_person_is_listed_apart(workload, played, log):
    played[0].problem, played[0].needs_person = "outcome: must be told whether lend_book happened", True
    played[2].problem = "failed: ToolError: no"

    report = report_of(workload, played, log())

    assert not report.is_clean
    document = report.as_json()
    assert [one["run"] for one in document["needs_person"]] == ["run-library-1"]
    assert [one["why"] for one in document["incomplete"]] == ["failed: ToolError: no"]
    assert document["completed"] == 1


def test_requests_for_a_conversation_nobody_played_are_differences(workload, played, log):
    stray = {"body": {"messages": [], "metadata": {"user_id": "somebody"}}, "status": 200}

    report = report_of(workload, played, log(stray))

    assert [finding.conversation for finding in report.comparison.differences] == ["somebody"]


def test_an_effect_that_was_tried_twice_counts_as_twice_and_a_read_does_not(workload, steps_of):
    conversation = workload.conversations[2]
    steps = steps_of(workload, conversation)

    twice = {
        step["tool_use_id"]: done(conversation, [{**s, "attempt": 2} if s is step else s for s in steps]).twice
        for step in steps
        if step["kind"] == "tool_call"
    }

    assert twice == {"toolu_3a": 0, "toolu_3b": 0, "toolu_3c": 1}
    assert recorded(conversation).tool_calls == 3
