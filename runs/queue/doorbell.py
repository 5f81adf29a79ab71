"""Doorbells: RQ jobs that say «queue X has work» and carry nothing else. The only place that reads or writes RQ's keys.

A lost doorbell costs at most the two seconds until a worker looks unasked; so ringing never raises. Hearing takes the
bytes off Redis itself: RQ's own way of fetching a job imports and calls what the job names.
"""

import json
import logging
import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, TypeAlias

import django_rq
from django.db import transaction
from redis.exceptions import RedisError, ResponseError
from rq import Queue
from rq.job import Job

from runs.fault_points import fault_point

log = logging.getLogger(__name__)

WAKE = "wake"  # the one name that our worker accepts; it names no function
_WAITING_MAX = 16  # this many unanswered bells wake every worker; more would only pile up
_TTL_S = 10  # a bell that nobody answered is worthless after this
_DATA_MAX = 300  # bytes of a bell, unpacked; a queue's name is the only part that varies
_FIELDS = frozenset(
    b"data created_at enqueued_at origin description status timeout ttl result_ttl failure_ttl".split()
)  # of a bell's hash

Bytes: TypeAlias = Any  # a connection of redis-py that decodes nothing: its types say that it may answer with text

_preparations: list[Callable[[], object]] = []


def before_first_use(prepare: Callable[[], object]) -> None:
    """Do this once in each process before Redis is used: the composition root starts an embedded one."""
    _preparations.append(prepare)


@lru_cache(maxsize=1)
def prepare() -> None:
    """Make Redis reachable, if it is ours to start."""
    for preparation in _preparations:
        preparation()


def prepare_again() -> None:
    """Do so once more, since Redis went away. Raises: OSError."""
    prepare.cache_clear()
    prepare()


@lru_cache(maxsize=32)
def _queue(name: str) -> Queue:
    prepare()
    queue: Queue = django_rq.get_queue(name)
    return queue


def redis_answers() -> None:
    """Ask Redis for a sign of life. Raises: RedisError, OSError."""
    _queue("default").connection.ping()


def ring(queue_name: str) -> None:
    """Ring as soon as the present transaction is committed, or at once outside of one."""
    transaction.on_commit(partial(_ring_now, queue_name), robust=True)


def _ring_now(name: str) -> None:
    fault_point("ring.before")
    try:
        queue = _queue(name)
        if queue.count < _WAITING_MAX:
            _put_bell(queue)
    except (RedisError, OSError) as error:
        log.warning("no doorbell for queue %s (%s); workers look by themselves", name, error)


def _put_bell(queue: Queue) -> None:
    """Write the job and its place in the queue, and no other key: whatever else lies in Redis is not ours."""
    bell = queue.create_job(WAKE, args=(queue.name,), timeout=-1, ttl=_TTL_S, result_ttl=0, failure_ttl=0)
    with queue.connection.pipeline() as pipeline:
        bell.save(pipeline=pipeline)
        pipeline.expire(bell.key, _TTL_S)
        queue.push_job_id(bell.id, pipeline=pipeline)
        pipeline.execute()


def hear(connection: Bytes, queue_names: Sequence[str], *, wait_s: int) -> str | None:
    """Take one job off these queues, waiting for it; return the queue's name if it was a doorbell, else None.

    Units: with `wait_s` 0 it does not wait. Whatever it is, the job is deleted, and only the bytes are read that make a
    bell. Raises: RedisError, OSError; a key that is no list is removed first, so that the next call hears.
    """
    names = {queue_key(name): name for name in queue_names}
    try:
        taken = connection.blpop(list(names), wait_s) if wait_s else _at_once(connection, list(names))
    except ResponseError:
        _remove_what_is_no_list(connection, list(names))
        raise
    if taken is None:
        return None
    name, key = names[taken[0]], job_key(taken[1])
    data = connection.hget(key, "data") if connection.type(key) == b"hash" else None
    gone = not connection.unlink(key)
    if is_wake(data, name):
        return name
    if not gone:
        log.error("removed a job from queue %r unread: it is not a doorbell", name)
    return None


def _at_once(connection: Bytes, keys: Sequence[bytes]) -> tuple[bytes, bytes] | None:
    for key in keys:
        job_id = connection.lpop(key)
        if isinstance(job_id, bytes):
            return key, job_id
    return None


def _remove_what_is_no_list(connection: Bytes, keys: Sequence[bytes]) -> None:
    for key in keys:
        if connection.type(key) not in {b"list", b"none"}:
            log.error("removed the key %r from Redis: it is a queue of ours, and was no list", key)
            connection.unlink(key)


def is_wake(data: bytes | None, queue_name: str) -> bool:
    """Say whether these are the bytes of a doorbell of this queue."""
    try:
        return bool(
            json.loads(zlib.decompressobj().decompress(data or b"", _DATA_MAX)) == [WAKE, None, [queue_name], {}]
        )
    except (ValueError, zlib.error):
        return False


def is_bell(fields: Mapping[bytes, bytes], queue_name: str) -> bool:
    """Say whether the hash of a job is a doorbell of this queue, and holds nothing beside it."""
    more = {name for name, value in fields.items() if value} - _FIELDS
    said = fields.get(b"description", b"")  # RQ writes the call down here, too
    return not more and said in {b"", f"{WAKE}({queue_name!r})".encode()} and is_wake(fields.get(b"data"), queue_name)


def queue_key(name: str) -> bytes:
    """Name the list in which the jobs of a queue wait."""
    return f"{Queue.redis_queue_namespace_prefix}{name}".encode()


def job_key(job_id: bytes) -> bytes:
    """Name the hash of a job."""
    return Job.redis_job_namespace_prefix.encode() + job_id
