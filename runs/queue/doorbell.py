"""Doorbells: RQ jobs that say «queue X has work» and carry nothing else. The only caller of RQ here.

A lost doorbell costs at most the two seconds until a worker looks unasked; so ringing never raises.
"""

import logging
from collections.abc import Callable, Iterable
from functools import lru_cache, partial

import django_rq
from django.db import transaction
from redis.exceptions import RedisError
from rq import Queue

from runs.fault_points import fault_point

log = logging.getLogger(__name__)

WAKE = "wake"  # the one name that our worker accepts; it names no function
_WAITING_MAX = 16  # so many unanswered bells wake every worker there is; more would only pile up
_TTL_S = 10  # a bell that nobody answered is worthless after this

_preparations: list[Callable[[], object]] = []


def before_first_use(prepare: Callable[[], object]) -> None:
    """Do this once in each process before Redis is used: the composition root starts an embedded one."""
    _preparations.append(prepare)


@lru_cache(maxsize=1)
def prepare() -> None:
    """Make Redis reachable, if it is ours to start."""
    for preparation in _preparations:
        preparation()


@lru_cache(maxsize=32)
def _queue(name: str) -> Queue:
    prepare()
    queue: Queue = django_rq.get_queue(name)
    return queue


def redis_answers() -> None:
    """Ask Redis for a sign of life. Raises: RedisError, OSError."""
    _queue("default").connection.ping()


def ring(queue_names: Iterable[str]) -> None:
    """Ring for these queues as soon as the present transaction is committed, or at once outside of one."""
    for name in sorted(set(queue_names)):
        transaction.on_commit(partial(_ring_now, name), robust=True)


def _ring_now(name: str) -> None:
    fault_point("ring.before")
    try:
        queue = _queue(name)
        if queue.count < _WAITING_MAX:
            # enqueue_call of the plain RQ queue: django-rq's would wait for a commit that has happened.
            Queue.enqueue_call(
                queue, WAKE, args=(name,), timeout=-1, ttl=_TTL_S, result_ttl=0, failure_ttl=0, description=""
            )
    except (RedisError, OSError) as error:
        log.warning("no doorbell for queue %s (%s); workers look by themselves", name, error)
