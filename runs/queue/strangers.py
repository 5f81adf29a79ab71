"""Strangers: jobs in our queues that are no doorbells. They are only looked at, as data; nothing is run or removed."""

import json
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

import django_rq
from django.conf import settings
from redis.exceptions import RedisError
from rq import Queue

from runs.queue.doorbell import WAKE

# What a doorbell must not carry: RQ would import or call what these fields name.
_FORBIDDEN = tuple(
    b"success_callback_name failure_callback_name stopped_callback_name webhooks dependency_ids meta".split()
)


def strangers() -> Iterator[tuple[str, str]]:
    """Name each job that is no doorbell, by queue and id; nothing when Redis does not answer.

    An embedded Redis that is not running is not started for this.
    """
    try:
        for name in settings.RQ_QUEUES:
            yield from _in_queue(django_rq.get_queue(name))
    except (RedisError, OSError):
        return


def _in_queue(queue: Queue) -> Iterator[tuple[str, str]]:
    for job_id in queue.get_job_ids():
        fields = queue.connection.hgetall(f"rq:job:{job_id}")
        if fields and not _is_bell(fields, queue.name):  # no fields: a bell whose time is over
            yield queue.name, job_id


def _is_bell(fields: Mapping[Any, Any], queue: str) -> bool:
    try:
        said: Any = json.loads(zlib.decompress(fields[b"data"]))
    except (KeyError, ValueError, zlib.error):
        return False
    return bool(said == [WAKE, None, [queue], {}] and not any(fields.get(name) for name in _FORBIDDEN))
