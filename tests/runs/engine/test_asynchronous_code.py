"""Tools, jobs, steps and their look-ups may be asynchronous: they are run to their end, as plain ones are."""

import asyncio
import concurrent.futures
import contextvars
import functools

import pytest
from asgiref.sync import async_to_sync, sync_to_async

from runs import clock
from runs.declarations.catalog import job_type_named
from runs.engine.lease import CancelRequestedError
from runs.errors import ToolError
from runs.invariants.every import breaches
from runs.maintenance.rescue_runs import rescue_runs
from runs.maintenance.wake_timers import wake_timers
from runs.models import Run, Tenant
from runs.registry import tool
from tests.runs.engine.code_of_a_project import job_of, story_of
from tests.runs.engine.story import say
from tests.testapp.agents import CALLS

pytestmark = pytest.mark.django_db

COLOUR = contextvars.ContextVar("colour", default="none")


async def _answer(context):
    await asyncio.sleep(0)
    CALLS["act"] += 1
    return {"asked": True}


def _plain_that_returns_a_coroutine(context):
    return _answer(context)


def _decorated(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args)

    return wrapper


class _Callable:
    async def __call__(self, context):
        return await _answer(context)

    async def method(self, context):
        return await _answer(context)


class _TaskLike:
    def __init__(self, context):
        self._context = context

    def __await__(self):
        return _answer(self._context).__await__()


def _nested(context):
    async def outer():
        return _answer(context)

    return outer()


def _in_a_thread(context):
    pool = concurrent.futures.ThreadPoolExecutor(1)
    try:
        return pool.submit(asyncio.run, _answer(context))
    finally:
        pool.shutdown(wait=False)


async def _items(context):
    CALLS["act"] += 1
    yield "asked"
    await asyncio.sleep(0)
    yield True


KINDS = {
    "async def": _answer,
    "a plain function": _plain_that_returns_a_coroutine,
    "decorated": _decorated(_answer),
    "partial": functools.partial(_answer),
    "an object": _Callable(),
    "a method": _Callable().method,
    "a task-like object": _TaskLike,
    "a coroutine of a coroutine": _nested,
    "a future of a thread": _in_a_thread,
    "async_to_sync": async_to_sync(_answer),
}


@pytest.mark.parametrize("kind", KINDS)
def test_an_asynchronous_tool_is_run_to_its_end(offline, post, work, monkeypatch, kind):
    run, step, told = story_of(post, work, offline, monkeypatch, KINDS[kind])

    assert (run.status, step.status, CALLS["act"]) == ("completed", "completed", 1)
    assert step.result == {"text": '{"asked":true}'} and told["content"] == '{"asked":true}'


def test_an_asynchronous_generator_is_read_to_its_end(offline, post, work, monkeypatch):
    _, step, _ = story_of(post, work, offline, monkeypatch, _items)

    assert step.result == {"text": '["asked",true]'} and CALLS["act"] == 1


def test_a_tool_without_its_own_name_takes_that_of_the_function_it_wraps():
    async def look(context, key: str, more: int = 1) -> str:
        """Look."""
        return key

    made = tool(function=functools.partial(look, more=2))

    assert (made.name, made.description) == ("look", "Look.")
    assert set(made.input_schema["properties"]) == {"key", "more"}


def test_what_an_asynchronous_tool_raises_is_its_failure(offline, post, work, monkeypatch):
    async def act(context):
        await asyncio.sleep(0)
        raise ToolError("no such order")

    run, step, told = story_of(post, work, offline, monkeypatch, act)

    assert (run.status, step.status) == ("completed", "failed")
    assert told["is_error"] and "no such order" in told["content"]


def test_a_lost_answer_of_an_asynchronous_unsafe_tool_is_unknown(offline, post, work, monkeypatch):
    async def act(context):
        raise ConnectionError("reset")

    run, step, _ = story_of(post, work, offline, monkeypatch, act)

    assert (run.status, step.status) == ("waiting_for_confirmation", "unknown")


def test_an_asynchronous_tool_that_outlives_its_deadline_is_cancelled(offline, post, work, monkeypatch):
    ended = []

    async def act(context):
        try:
            await asyncio.sleep(600)
        finally:
            ended.append(True)

    run, step, _ = story_of(post, work, offline, monkeypatch, act, timeout_s=0.3)

    assert ended == [True] and (run.status, step.error["type"]) == ("waiting_for_confirmation", "StepTimeoutError")


def test_what_it_started_and_did_not_wait_for_is_ended_with_it(offline, post, work, monkeypatch):
    ended = []

    async def linger(name):
        try:
            await asyncio.sleep(600)
        finally:
            ended.append(name)

    async def numbers():
        try:
            while True:
                yield 1
        finally:
            ended.append("generator")

    async def act(context):
        context_of_task = asyncio.create_task(linger("task"))
        await asyncio.sleep(0)
        async for _ in numbers():
            break
        return context_of_task.done()

    _, step, _ = story_of(post, work, offline, monkeypatch, act)

    assert step.result == {"text": "false"} and sorted(ended) == ["generator", "task"]


def test_it_sees_the_context_variables_of_its_caller_and_changes_none(offline, post, work, monkeypatch):
    async def act(context):
        seen = COLOUR.get()
        COLOUR.set("green")
        return seen

    token = COLOUR.set("red")
    _, step, _ = story_of(post, work, offline, monkeypatch, act)

    assert step.result == {"text": "red"} and COLOUR.get() == "red"
    COLOUR.reset(token)


def test_it_tells_its_progress(offline, post, work, monkeypatch):
    seen = []

    async def act(context):
        context.progress(40, "half")
        await asyncio.sleep(0)
        seen.append(True)

    run, step, _ = story_of(post, work, offline, monkeypatch, act)

    assert step.status == "completed" and seen
    assert run.progress_message == "half"


def test_django_refuses_the_synchronous_orm_in_it_by_its_own_error(offline, post, work, monkeypatch):
    async def act(context):
        return Tenant.objects.count()

    _, step, told = story_of(post, work, offline, monkeypatch, act)

    assert step.error["type"] == "SynchronousOnlyOperation" and "sync_to_async" in told["content"]


@pytest.mark.django_db(transaction=True)
def test_the_orm_works_in_it_by_way_of_threads(offline, post, work, monkeypatch):
    async def act(context):
        await sync_to_async(Tenant.objects.create)(slug="by-thread", name="By thread")
        return [tenant.slug async for tenant in Tenant.objects.filter(slug="by-thread")]

    _, step, _ = story_of(post, work, offline, monkeypatch, act)

    assert step.result == {"text": '["by-thread"]'}


@pytest.mark.parametrize("needed", [True, False])
def test_an_asynchronous_approval_and_risk_are_asked(offline, post, work, monkeypatch, needed):
    async def approval(context, arguments):
        await asyncio.sleep(0)
        return needed

    async def risk(arguments):
        await asyncio.sleep(0)
        return "high"

    run, step, _ = story_of(post, work, offline, monkeypatch, _answer, approval=approval, risk=risk)

    assert run.status == ("waiting_for_confirmation" if needed else "completed")
    assert not needed or run.actions.get().risk == "high"
    assert CALLS["act"] == (not needed) and step.status == ("planned" if needed else "completed")


def test_an_asynchronous_look_up_says_what_has_happened(offline, post, work, monkeypatch):
    async def act(context):
        CALLS["act"] += 1
        raise ConnectionError("reset, but booked")

    async def verify(context, arguments):
        await asyncio.sleep(0)
        return "booked"

    story_of(post, work, offline, monkeypatch, act, effect="verifiable", verify=verify)
    clock.advance(5)
    wake_timers()
    work()

    run = Run.objects.get()
    assert run.status == "completed" and CALLS["act"] == 1
    assert run.steps.get(name="act").result == {"text": "booked"}


def test_an_asynchronous_job_with_steps_of_both_kinds(post, work, monkeypatch):
    async def double(n):
        await asyncio.sleep(0)
        CALLS["double"] += 1
        return 2 * n

    async def run(self, context):
        first = context.step("first", double, 4, effect="read")
        await asyncio.sleep(0)
        context.progress(50, "half")
        return {"sum": first + context.step("second", lambda: 1, effect="read")}

    job_of(monkeypatch, run)
    posted = post("made_job", input={})

    work()

    posted.refresh_from_db()
    assert (posted.status, posted.output, CALLS["double"]) == ("completed", {"sum": 9}, 1)
    assert posted.steps.get(name="first").result == {"value": 8} and posted.progress_message == "half"
    assert list(breaches(look_again_after_s=0)) == []


def test_an_asynchronous_job_waits_for_the_person_who_must_decide_about_its_step(post, work, monkeypatch):
    async def act():
        raise ConnectionError("reset")

    async def run(self, context):
        async with asyncio.TaskGroup() as group:
            group.create_task(self.one(context))

    async def one(self, context):
        context.step("one", act, effect="unsafe")

    job_of(monkeypatch, run, one=one)
    posted = post("made_job", input={})

    work()

    posted.refresh_from_db()
    assert posted.status == "waiting_for_confirmation" and posted.actions.get().kind == "outcome"


def test_a_step_that_is_begun_on_another_thread_is_refused_with_what_to_write(post, work, monkeypatch):
    async def run(self, context):
        return await sync_to_async(context.step)("one", lambda: 1, effect="read")

    job_of(monkeypatch, run)
    posted = post("made_job", input={})

    work()

    posted.refresh_from_db()
    assert posted.status == "failed" and "without `sync_to_async`" in posted.last_error["message"]


@pytest.mark.parametrize("name", ["prompt", "end_user"])
@pytest.mark.parametrize("wrapped", [False, True])
def test_a_hook_that_nothing_awaits_fails_by_its_name(offline, post, work, monkeypatch, name, wrapped):
    async def hook(self, input):
        return "hello"

    agent = job_type_named("clerk")
    monkeypatch.setattr(type(agent), name, _decorated(hook) if wrapped else hook)
    model = offline({"turns": [say("hi")]})
    run = post("clerk")

    work()

    run.refresh_from_db()
    assert run.status == "failed" and f"Clerk.{name} returned a coroutine" in run.last_error["message"]
    assert model.requests == []


def test_a_hook_that_exits_is_the_failure_of_its_run(offline, post, work, monkeypatch):
    def prompt(self, input):
        raise SystemExit(3)

    monkeypatch.setattr(type(job_type_named("clerk")), "prompt", prompt)
    offline({"turns": [say("hi")]})
    run = post("clerk")

    work()

    run.refresh_from_db()
    assert (run.status, run.last_error["type"]) == ("failed", "SystemExit")


def test_a_stop_that_a_task_group_has_wrapped_is_still_the_engines(offline, post, work, monkeypatch, user):
    async def act(context):
        async def crawl():
            while True:
                context.lease.lost.set()
                context.progress(1)
                await asyncio.sleep(0)

        async with asyncio.TaskGroup() as group:
            group.create_task(crawl())

    run, step, _ = story_of(post, work, offline, monkeypatch, act)

    assert (run.status, step.status) == ("running", "started"), "whoever holds the run now decides"
    Run.objects.update(lease_expires_at=run.created_at)
    assert rescue_runs() == 1


def test_a_made_up_stop_is_the_tools_own_failure(offline, post, work, monkeypatch):
    def act(context):
        raise CancelRequestedError("says the tool")

    run, step, _ = story_of(post, work, offline, monkeypatch, act)

    assert (run.status, step.error["type"]) == ("completed", "CancelRequestedError")
