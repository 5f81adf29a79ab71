"""The model provider: one streamed request of the Messages API through the real SDK.

The SDK's own retries are off: they sleep uncapped for Retry-After and repeat spend-cap errors.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import anthropic
import httpx2
from django.conf import settings

from runs import clock
from runs.conf import conf
from runs.engine.interruptible import interruptible, make_interruptible
from runs.engine.rate_limits.headers import rate_limit_headers
from runs.engine.read_answer import read_answer
from runs.errors import ModelTimeoutError
from runs.storable import storable_id

CheckLease = Callable[[], None]
_making = threading.Lock()


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer. `message` is the provider's document, key order kept."""

    message: dict[str, Any]
    request_id: str


@dataclass(slots=True)
class Progress:
    """What is known of an answer before it is complete."""

    message_id: str = ""
    request_id: str = ""
    limits: dict[str, str] = field(default_factory=dict)  # the rate limit headers
    limits_at: float = 0.0  # when they arrived, by the process's own clock


def client() -> anthropic.Anthropic:
    """Return the client of this process, with one connection per possible slot."""
    with _making:  # with the cache alone, two slots could make one each
        return _client()


@lru_cache(maxsize=1)
def _client() -> anthropic.Anthropic:
    timeout = httpx2.Timeout(conf().model_silence_s, connect=conf().model_connect_s)
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=100)
    connections = anthropic.DefaultHttpxClient(timeout=timeout, limits=limits)
    make_interruptible(connections)
    return anthropic.Anthropic(
        api_key=getattr(settings, "ANTHROPIC_API_KEY", None),
        base_url=getattr(settings, "ANTHROPIC_BASE_URL", None),
        max_retries=0,
        timeout=timeout,
        http_client=connections,
    )


def close_client() -> None:
    """Close the connections; the next call makes a new client with the settings of that time."""
    with _making:
        if _client.cache_info().currsize:
            _client().close()
        _client.cache_clear()


@contextmanager
def answered_by(other: "Ask") -> Iterator[None]:
    """Replace the provider in this process; for benchmarks and tests."""
    global _ask  # noqa: PLW0603 (one provider a process)
    former, _ask = _ask, other
    try:
        yield
    finally:
        _ask = former


def ask(request: dict[str, Any], *, check: CheckLease, progress: Progress, timeout_s: float) -> Answer:
    """Ask the model. Shape and errors: as `ask_provider`."""
    return _ask(request, check=check, progress=progress, timeout_s=timeout_s)


def ask_provider(request: dict[str, Any], *, check: CheckLease, progress: Progress, timeout_s: float) -> Answer:
    """Send a request and read the whole answer.

    `check` is called at every event, and several times a second during silence; it may raise to abort. `progress` gets
    the message id as soon as the provider sends it.

    Raises: what `check` raises; what the SDK raises; httpx2 errors in mid-stream; BrokenStreamError;
    ModelTimeoutError.
    """
    ends_at = clock.monotonic() + timeout_s

    def may_go_on() -> None:
        check()
        if clock.monotonic() > ends_at:
            raise ModelTimeoutError(f"the model call took longer than {timeout_s:g} s")

    def begun(message: Mapping[str, Any]) -> None:
        progress.message_id = storable_id(message.get("id"))

    create = client().messages.with_streaming_response.create
    with interruptible(may_go_on), create(stream=True, **request) as response:
        progress.request_id = storable_id(response.headers.get("request-id"))
        progress.limits, progress.limits_at = rate_limit_headers(response.headers), clock.monotonic()
        message = read_answer(response.http_response, model=request["model"], begun=begun)
    return Answer(message=message, request_id=progress.request_id)


Ask = Callable[..., Answer]
_ask: Ask = ask_provider
