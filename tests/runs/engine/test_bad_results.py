"""A result that fails while it is written is told to the model: the effect has happened, and the run goes on."""

import itertools

import pytest

from runs.invariants.every import breaches
from runs.registry import RateLimitedError
from tests.runs.engine.code_of_a_project import job_of, story_of

pytestmark = pytest.mark.django_db


class Bad:
    def __str__(self):
        raise ValueError("no words")


RESULTS = {
    "many digits": lambda context: {"n": 10**5_000, "ok": 1},
    "no number": lambda context: {"n": float("nan"), "ok": 1},
    "undecodable": lambda context: {"n": b"\xff", "ok": 1},
    "a bad object": lambda context: {"n": Bad(), "ok": 1},
    "a generator within": lambda context: {"n": (1 // 0 for _ in range(1)), "ok": 1},
}


@pytest.mark.parametrize("case", RESULTS)
def test_the_rest_of_the_result_is_told(offline, post, work, monkeypatch, case):
    run, step, told = story_of(post, work, offline, monkeypatch, RESULTS[case])

    assert (run.status, step.status) == ("completed", "completed")
    assert told["content"].startswith('{"n":') and told["content"].endswith('"ok":1}')
    assert ":NaN" not in told["content"] and list(breaches(look_again_after_s=0)) == []


def test_a_generator_is_read_as_part_of_the_call_and_what_it_raises_is_the_tools(offline, post, work, monkeypatch):
    def act(context):
        yield 1
        raise RateLimitedError("later", retry_after_s=0)

    run, step, _ = story_of(post, work, offline, monkeypatch, act)

    assert (run.status, step.error["type"]) == ("retrying", "RateLimitedError")


def test_a_generator_without_end_is_cut(offline, post, work, monkeypatch):
    monkeypatch.setattr("runs.user_code.event_loop.ITEMS_MAX", 50)

    _, step, _ = story_of(post, work, offline, monkeypatch, lambda context: itertools.count())

    assert step.status == "completed" and "cut: more than" in step.result["text"]


@pytest.mark.parametrize("case", RESULTS)
def test_a_job_stores_what_can_be_stored(post, work, monkeypatch, case):
    job_of(monkeypatch, lambda self, context: context.step("one", RESULTS[case], None, effect="read"))
    run = post("made_job", input={})

    work()

    run.refresh_from_db()
    assert run.status == "completed" and run.output["ok"] == 1 and set(run.output) == {"n", "ok"}
