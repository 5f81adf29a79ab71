"""Run awaitables of the project's code to their end, on a separate event loop in the calling thread."""

import asyncio
import concurrent.futures
import inspect
import io
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import Context
from itertools import islice
from typing import Any, TypeVar

from asgiref.sync import ThreadSensitiveContext, sync_to_async

from runs import clock
from runs.errors import LeftOpenError, UnexpectedAwaitableError
from runs.user_code.left_open import close_all

T = TypeVar("T")

SLICE_S = 0.25  # longest delay before a call notices that it must end
ITEMS_MAX = 100_000  # of a generator, which may be endless
_CUT = f"… [cut: more than {ITEMS_MAX:,} items]"


def awaited(value: Any, check: Callable[[], None] | None = None) -> Any:
    """Turn what a function returned into a plain value: awaitables awaited, generators read to their end.

    `check` raises when the work must stop; it is called at least every `SLICE_S`, and the work is then cancelled.
    Raises: what the awaitable or the generator raises, or `check`.
    """
    while True:
        if is_unfinished(value):
            with asyncio.Runner() as runner:
                value = runner.run(_watched(value, check or _go_on))
        elif isinstance(value, Iterator) and not isinstance(value, io.IOBase):
            return _items(value, check or _go_on)
        else:
            return value


def within(seconds: float) -> Callable[[], None]:
    """Build a check that raises TimeoutError once `seconds` have passed."""
    ends_at = clock.monotonic() + seconds

    def check() -> None:
        if clock.monotonic() > ends_at:
            raise TimeoutError(f"it took longer than {seconds:g} s")

    return check


def _go_on() -> None:
    """Never stop the work."""


def is_unfinished(value: Any) -> bool:
    """Say whether a value is not a result yet: an awaitable, an asynchronous generator, or a future of a thread."""
    return inspect.isawaitable(value) or isinstance(value, AsyncIterator | concurrent.futures.Future)


def plain(value: Any, *, of: str) -> Any:
    """Refuse a value that would have to be awaited where nothing can wait. `of` names the code.

    Raises: UnexpectedAwaitableError.
    """
    if not is_unfinished(value) and not inspect.isgenerator(value):
        return value
    drop(value)
    raise UnexpectedAwaitableError(
        f"{of} returned a {type(value).__name__}, which nothing awaits here: write a plain `def` that returns a value"
    )


def drop(value: Any) -> None:
    """Close a coroutine that nothing will await, so that Python does not warn."""
    if inspect.iscoroutine(value):
        value.close()


def as_engine(function: Callable[[], T]) -> T:
    """Run the engine's own work during the project's code, outside of its context and event loop."""
    loop = asyncio._get_running_loop()
    task = asyncio.current_task(loop) if loop else None
    if loop and task:
        asyncio.tasks._leave_task(loop, task)
    asyncio._set_running_loop(None)
    try:
        return Context().run(function)
    finally:
        asyncio._set_running_loop(loop)
        if loop and task:
            asyncio.tasks._enter_task(loop, task)


def _items(iterator: Iterator[Any], check: Callable[[], None]) -> list[Any]:
    items: list[Any] = []
    for item in islice(iterator, ITEMS_MAX):
        check()
        items.append(item)
    if len(items) == ITEMS_MAX:
        items.append(_CUT)
        close = getattr(iterator, "close", lambda: None)
        close()
    return items


async def _watched(value: Any, check: Callable[[], None]) -> Any:
    """Await a value, and cancel it when `check` raises. Connections opened by `sync_to_async` are closed.

    Raises: what the value raises; what `check` raised if that cancelled it.
    """
    async with ThreadSensitiveContext():
        task = asyncio.ensure_future(_ended(value))
        stop = await _watch(task, check)
        await _cancel_the_rest()
        left_open = await sync_to_async(close_all)()
    result, error = task.result()
    if stop and isinstance(error, asyncio.CancelledError):
        raise stop
    if error:
        raise error
    if left_open:
        raise LeftOpenError(left_open)
    return result


async def _watch(task: "asyncio.Task[Any]", check: Callable[[], None]) -> Exception | None:
    """Wait for the task to end; return why it was cancelled, None if it was not."""
    stop: Exception | None = None
    while not (await asyncio.wait({task}, timeout=SLICE_S))[0]:
        if stop is None:
            try:
                check()
            except Exception as reason:
                stop = reason
                task.cancel()
    return stop


async def _cancel_the_rest() -> None:
    """Cancel the tasks that were started and not awaited, before their connections are closed."""
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)


async def _ended(value: Any) -> tuple[Any, BaseException | None]:
    """Return the result or the exception: a raised SystemExit would leave the loop before the clean-up."""
    try:
        return await _result_of(value), None
    except BaseException as error:
        return None, error


async def _result_of(value: Any) -> Any:
    if inspect.isawaitable(value):
        return await value
    if isinstance(value, concurrent.futures.Future):
        return await asyncio.wrap_future(value)
    items: list[Any] = []
    async for item in value:
        items.append(item)
        if len(items) == ITEMS_MAX:
            return [*items, _CUT]
    return items
