"""Foreign jobs: keys of RQ that are no doorbells of ours. They are read as data; nothing is run or removed."""

from collections.abc import Iterator, Sequence

import django_rq
from django.conf import settings
from redis.exceptions import RedisError
from rq import Queue
from rq.defaults import RQ_KEY_PREFIX

from runs.queue.doorbell import Bytes, is_bell, job_key, queue_key

_SHOWN = 120  # characters of a name that somebody else has chosen
_JOBS = job_key(b"")
_QUEUES = Queue.redis_queues_keys.encode()  # RQ keeps the names of queues there


def foreign_jobs() -> Iterator[str]:
    """Say of each key of RQ what is not ours in it; nothing when Redis does not answer.

    In a project that has queues of its own, only ours are looked at. An embedded Redis that is not running is not
    started for this.
    """
    names = own_queues()
    try:
        yield from _in_redis(django_rq.get_queue(names[0]).connection, names)
    except (RedisError, OSError):
        return


def _in_redis(connection: Bytes, names: Sequence[str]) -> Iterator[str]:
    named = set()
    for name in names:
        for key in _waiting(connection, queue_key(name)):
            fields = _hash(connection, key)
            if fields != {} and not is_bell(fields or {}, name):  # none: a bell whose time is over
                named.add(key)
                yield f"queue {name!r} holds a job that is no doorbell: {_shown(key)}"
    for key in () if foreign_queues() else connection.scan_iter(match=f"{RQ_KEY_PREFIX}:*", count=1000):
        if key not in named and not _is_ours(connection, key, names):
            yield f"no doorbell has the key {_shown(key)}, a {connection.type(key).decode()}"


def _waiting(connection: Bytes, key: bytes) -> list[bytes]:
    if connection.type(key) != b"list":
        return []
    return [job_key(job_id) for job_id in connection.lrange(key, 0, -1)]


def _hash(connection: Bytes, key: bytes) -> dict[bytes, bytes] | None:
    """Read a hash; None if the key is something else."""
    if connection.type(key) not in {b"hash", b"none"}:
        return None
    fields: dict[bytes, bytes] = connection.hgetall(key)
    return fields


def _is_ours(connection: Bytes, key: bytes, names: Sequence[str]) -> bool:
    kind, queues = connection.type(key), {queue_key(name) for name in names}
    if key.startswith(_JOBS):
        fields = _hash(connection, key)
        return fields == {} or any(is_bell(fields or {}, name) for name in names)
    if key == _QUEUES and kind == b"set":
        return set(connection.smembers(key)) <= queues
    return kind == b"none" or (kind == b"list" and key in queues)


def _shown(key: bytes) -> str:
    return repr(key.decode(errors="replace"))[:_SHOWN]


_SERIALIZER = "rq.serializers.JSONSerializer"  # jobs of others are pickled, unless they say otherwise


def own_queues() -> list[str]:
    """List the queues that are made for runs."""
    return [name for name, queue in _all().items() if queue.get("SERIALIZER") == _SERIALIZER]


def foreign_queues() -> list[str]:
    """List the project's own."""
    return [name for name, queue in _all().items() if queue.get("SERIALIZER") != _SERIALIZER]


def _all() -> dict[str, dict[str, object]]:
    return getattr(settings, "RQ_QUEUES", None) or {}
