"""What somebody who can write to Redis may plant there for a worker of RQ, one entry of each kind."""

import json
import time
import zlib
from collections.abc import Callable
from typing import Any

from redis import Redis

MODULE = "planted_by_somebody"  # importing it is the harm


def plant_job(valkey: Redis, job_id: str, *, url: str, **fields: Any) -> str:
    """Write a job that names the module wherever RQ would import one, and the address wherever it would call one."""
    call = f"{MODULE}.call"
    callbacks = {f"{kind}_callback_name": call for kind in ("success", "failure", "stopped")}
    webhooks = [{"url": url, "job_status": status} for status in ("failed", "finished")]
    data = zlib.compress(json.dumps([call, None, [], {}]).encode())
    valkey.hset(
        f"rq:job:{job_id}",
        mapping={
            "data": data,
            "origin": "agents",
            "status": "started",
            "created_at": "2026-01-01T00:00:00.000000Z",
            "webhooks": json.dumps(webhooks),
            **callbacks,
            **fields,
        },
    )
    return job_id


def _started(valkey: Redis, url: str) -> None:
    valkey.zadd("rq:wip:agents", {f"{plant_job(valkey, 'started', url=url)}:execution": 1})


def _retried(valkey: Redis, url: str) -> None:
    job = plant_job(valkey, "retried", url=url, retries_left=3, retry_intervals="[0]", number_of_retries=0)
    valkey.zadd("rq:wip:agents", {f"{job}:execution": 1})


def _between_two_lists(valkey: Redis, url: str) -> None:
    job = plant_job(valkey, "between", url=url, status="queued")
    valkey.rpush("rq:queue:agents:intermediate", job)
    valkey.set(f"rq:queue:agents:intermediate:first_seen:{job}", time.time() - 3600)


def _in_the_queue(valkey: Redis, url: str) -> None:
    valkey.rpush("rq:queue:agents", plant_job(valkey, "queued", url=url, status="queued"))


def _no_hash(valkey: Redis, url: str) -> None:
    valkey.set("rq:job:text", "garbage")
    valkey.rpush("rq:queue:agents", "text", b"\xff\xfe", "never written")


def _dependents(valkey: Redis, url: str) -> None:
    job = plant_job(valkey, "first", url=url)
    valkey.sadd(f"rq:job:{job}:dependents", plant_job(valkey, "then", url=url, status="deferred"))
    valkey.zadd("rq:wip:agents", {f"{job}:execution": 1})


def _in(registry: str) -> Callable[[Redis, str], None]:
    def plant(valkey: Redis, url: str) -> None:
        valkey.zadd(f"rq:{registry}:agents", {plant_job(valkey, registry, url=url, status=registry): 1})

    return plant


def _group(valkey: Redis, url: str) -> None:
    valkey.sadd("rq:groups", "g")
    valkey.sadd("rq:group:g", plant_job(valkey, "grouped", url=url, group_id="g"))


def _suspended(valkey: Redis, url: str) -> None:
    valkey.set("rq:suspended", 1)


def _workers(valkey: Redis, url: str) -> None:
    valkey.sadd("rq:workers", "rq:worker:x", "no worker")
    valkey.hset("rq:worker:x", mapping={"queues": "agents", "birth": "garbage"})


def _text_for(key: str) -> Callable[[Redis, str], None]:
    return lambda valkey, url: valkey.set(key, "garbage")


KINDS: dict[str, Callable[[Redis, str], Any]] = {
    "a job that its worker left": _started,
    "one with tries left": _retried,
    "between two lists": _between_two_lists,
    "a job of another function": _in_the_queue,
    "ids without a job": _no_hash,
    "dependents": _dependents,
    **{f"registry {name}": _in(name) for name in ("scheduled", "deferred", "failed", "finished", "canceled", "ready")},
    "a group": _group,
    "a suspension": _suspended,
    "workers": _workers,
    **{f"text for {key}": _text_for(key) for key in ("rq:queue:agents", "rq:queues", "rq:wip:agents", "rq:workers")},
    "text for the lock of the maintenance": _text_for("rq:clean_registries:agents"),
}
