"""Whatever the project's code raises is its failure, by its class, and never a lost worker."""

import asyncio

import pytest

from runs.invariants.every import breaches
from runs.models import Run
from runs.registry import RateLimitedError
from tests.runs.engine.code_of_a_project import job_of, story_of
from tests.testapp.agents import CALLS

pytestmark = pytest.mark.django_db


class Unheard(BaseException):
    """Nobody knows of it."""


class MuteError(Exception):
    """Cannot say what it is."""

    def __str__(self):
        raise RuntimeError("no words")


RAISED = [asyncio.CancelledError, KeyboardInterrupt, GeneratorExit, SystemExit, Unheard, StopIteration, MuteError]
COMES_OUT_AS = {"StopIteration": ("StopIteration", "RuntimeError")}  # Python's own, out of a coroutine


def _names(error):
    return COMES_OUT_AS.get(error.__name__, (error.__name__,))


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("error", RAISED)
def test_a_tool_that_raises_anything_has_failed_and_the_run_goes_on(
    offline, post, work, monkeypatch, error, asynchronous
):
    def act(context):
        CALLS["act"] += 1
        raise error

    async def act_later(context):
        await asyncio.sleep(0)
        act(context)

    run, step, told = story_of(post, work, offline, monkeypatch, act_later if asynchronous else act)

    assert (run.status, run.fence, step.status, CALLS["act"]) == ("completed", 1, "failed", 1)
    assert step.error["type"] in _names(error) and told["is_error"]
    assert list(breaches(look_again_after_s=0)) == []


@pytest.mark.parametrize("where", ["step", "run"])
@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("error", RAISED)
def test_a_job_that_raises_anything_has_failed(post, work, monkeypatch, error, asynchronous, where):
    def act():
        raise error

    async def act_later():
        await asyncio.sleep(0)
        act()

    def run(self, context):
        call = act_later if asynchronous else act
        return context.step("one", call, effect="unsafe") if where == "step" else call()

    job_of(monkeypatch, run)
    posted = post("made_job", input={})

    work()

    posted.refresh_from_db()
    assert (posted.status, posted.fence, posted.crashes) == ("failed", 1, 0)
    assert posted.last_error["type"] in _names(error)
    assert where == "run" or posted.steps.get().error["type"] in _names(error)
    assert list(breaches(look_again_after_s=0)) == []


def test_a_class_of_errors_may_name_one_that_is_no_exception(post, work, monkeypatch):
    def act():
        raise Unheard

    job_of(
        monkeypatch,
        lambda self, context: context.step("one", act, effect="idempotent"),
        errors={Unheard: "transient"},
    )
    posted = post("made_job", input={})

    work()

    posted.refresh_from_db()
    assert posted.status == "retrying"


@pytest.mark.parametrize("asked", ["30", "soon", float("nan"), None])
def test_a_pause_that_a_tool_passes_on_as_it_came_is_read_or_ignored(offline, post, work, monkeypatch, asked):
    def act(context):
        raise RateLimitedError("later", retry_after_s=asked)

    story_of(post, work, offline, monkeypatch, act)

    assert Run.objects.get().status == "retrying"
