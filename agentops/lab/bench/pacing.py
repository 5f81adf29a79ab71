"""Four real workers before a provider with a quota: how much of it they use, and how often they are refused.

Measured twice: with small prompts, so that the requests are what is short, and with large ones, so that the tokens are.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from agentops.lab.bench.agents import BenchPaced
from agentops.lab.bench.place import MeasurementError
from agentops.stack import Stack
from runs.invariants.every import breaches
from runs.models import RateLimit, Run
from runs.operations.accounts import make_member, make_tenant
from runs.operations.cancel_run import cancel_run
from runs.operations.post_run import RunRequest, post_run
from runs.states import ENDED

WORKERS = 4
REQUESTS_PER_MINUTE, INPUT_TOKENS_PER_MINUTE = 50, 40_000
_TENANTS = 3
_LONGEST_RAMP_S = 30.0
_BEGINS_IN_S = 90.0
_POLL_S = 0.5
_ANSWERS_IN_S = 1.0


@dataclass(frozen=True, slots=True)
class Load:
    """One kind of prompts. Units: `tokens` as the offline model counts them, about."""

    bound: str
    tokens: int
    most_per_minute: int


LOADS = {
    "requests": Load("requests", 20, REQUESTS_PER_MINUTE),
    "tokens": Load("tokens", 2_500, INPUT_TOKENS_PER_MINUTE // 2_500),
}


def measure_pacing(*, minutes: float, bound: str | None) -> dict[str, Any]:
    """Measure one kind of prompts, or both one after the other.

    Shape: `{"unused_percent" of the worse, "refused", "breaches", "requests": {…}, "tokens": {…}}`; the percentage is
    that of the binding quota after the ramp, refusals are counted from the beginning.
    """
    found = {name: _measure(load, minutes) for name, load in LOADS.items() if bound in (None, name)}
    return {
        "database": connection.vendor,
        "minutes": minutes,
        "workers": WORKERS,
        "unused_percent": max(figures["unused_percent"] for figures in found.values()),
        "refused": sum(figures["refused"] for figures in found.values()),
        "breaches": sum(figures["breaches"] for figures in found.values()),
        **found,
    }


def _measure(load: Load, minutes: float) -> dict[str, Any]:
    ramp_s = min(_LONGEST_RAMP_S, minutes * 12)
    _set_rate_limit(ramp_s)
    _post(load, round(load.most_per_minute * (minutes + 2)) + WORKERS * 8)
    log = Path(settings.VAR_DIR) / f"pacing-{load.bound}.jsonl"
    stack = Stack()
    with stack:
        limits = ("--requests-per-minute", REQUESTS_PER_MINUTE, "--input-tokens-per-minute", INPUT_TOKENS_PER_MINUTE)
        stack.offline_model(scripts=[_script()], log=log, more=[str(part) for part in limits])
        for number in range(WORKERS):
            stack.worker(f"bench-pacing-{number}", [BenchPaced.queue])
        since = _first_answer_at(log) + ramp_s
        until = since + minutes * 60
        connection.close()
        time.sleep(max(0.0, until - time.time()))  # the measured minutes; the log tells wall-clock times
    broken = list(breaches())
    figures = _figures(log, load, since, until) | {"breaches": len(broken)}
    _cancel_the_rest()
    return figures


def _set_rate_limit(ramp_s: float) -> None:
    RateLimit.objects.update_or_create(
        model_class=BenchPaced.model,
        defaults={
            "requests_per_minute": REQUESTS_PER_MINUTE,
            "input_tokens_per_minute": INPUT_TOKENS_PER_MINUTE,
            "ramp_s": ramp_s,
        },
    )


def _post(load: Load, count: int) -> None:
    tenants = [make_tenant(f"bench-{number}") for number in range(_TENANTS)]
    owners = [(tenant, make_member(tenant, None)) for tenant in tenants]
    for number in range(count):
        tenant, user = owners[number % _TENANTS]
        text = f"{load.bound} {number} ".ljust(load.tokens * 4, "x")
        post_run(RunRequest(job_type=BenchPaced.name, input={"text": text}), tenant=tenant, user=user, origin="bench")


def _cancel_the_rest() -> None:
    """What is left over must not be mixed with the next load."""
    for run in Run.objects.filter(job_type=BenchPaced.name).exclude(status__in=ENDED):
        cancel_run(run, user=run.requested_by)


def _script() -> Path:
    path = Path(settings.VAR_DIR) / "pacing.json"
    turn = {"content": [{"type": "text", "text": "Done."}], "delay_s": _ANSWERS_IN_S}
    path.write_text(json.dumps({"name": "paced", "when": {"system_contains": BenchPaced.system}, "turns": [turn]}))
    return path


def _requests(log: Path) -> Iterator[dict[str, Any]]:
    """Read the log of the offline model; its last lane may be half written."""
    for lane in log.read_text().splitlines() if log.exists() else ():
        try:
            yield json.loads(lane)
        except ValueError:
            return


def _first_answer_at(log: Path) -> float:
    ends_at = time.monotonic() + _BEGINS_IN_S
    while time.monotonic() < ends_at:
        if first := next(_requests(log), None):
            return float(first["at"])
        time.sleep(_POLL_S)  # another process writes the log, and rings for nobody
    raise MeasurementError("the workers asked nothing")


def _figures(log: Path, load: Load, since: float, until: float) -> dict[str, Any]:
    requests = list(_requests(log))
    counted = [one for one in requests if since <= one["at"] < until and one["status"] == 200]
    minutes = (until - since) / 60
    tokens = sum(_input_tokens(one["response"]["usage"]) for one in counted) / minutes
    by_requests, by_tokens = len(counted) / minutes / REQUESTS_PER_MINUTE, tokens / INPUT_TOKENS_PER_MINUTE
    used = by_requests if load.bound == "requests" else by_tokens
    return {
        "unused_percent": round(100 * (1 - used), 1),
        "requests_per_minute": round(len(counted) / minutes, 1),
        "input_tokens_per_minute": round(tokens),
        "refused": sum(one["status"] == 429 for one in requests),
        "asked": len(requests),
    }


def _input_tokens(usage: dict[str, Any]) -> int:
    return int(usage["input_tokens"] + (usage.get("cache_creation_input_tokens") or 0))
