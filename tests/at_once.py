"""Doing the same thing in many threads at the same moment."""

import threading
from collections.abc import Callable
from typing import Any

from django.db import connection


def at_once(count: int, do: Callable[[int], Any], *, timeout_s: float = 120) -> list[Any]:
    """Call `do(number)` in so many threads, released together; return what each returned or raised."""
    results: list[Any] = [None] * count
    barrier = threading.Barrier(count)

    def run(number: int) -> None:
        barrier.wait()
        try:
            results[number] = do(number)
        except Exception as error:
            results[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout_s)
    return results
