"""Interruptible network waits: a silent provider cannot keep a call alive that must end.

A read waits in slices, and between two slices a check may stop the call. A slice that times out loses no data: nothing
was taken from the socket, and TLS keeps a partial record.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpcore2
import httpx2

from runs import clock

SLICE_S = 0.25
_PIECE_BYTES = 64 * 1024
_call = threading.local()


class _Interrupt(BaseException):
    """Carries what the check raised through the SDK, which would wrap and hide an ordinary exception."""

    def __init__(self, reason: Exception) -> None:
        super().__init__(str(reason))
        self.reason = reason


@contextlib.contextmanager
def interruptible(check: Callable[[], None]) -> Iterator[None]:
    """Call `check` at least every `SLICE_S` while this thread waits for the network; raise what it raises."""
    _call.check = check
    try:
        yield
    except _Interrupt as interrupt:
        raise interrupt.reason from None
    finally:
        _call.check = None


def make_interruptible(client: httpx2.Client) -> None:
    """Make every connection of this client wait in slices, also through a proxy.

    The pool takes a backend, but its transport passes none on, so the backend is replaced afterwards.
    """
    for transport in (client._transport, *client._mounts.values()):
        if isinstance(transport, httpx2.HTTPTransport):
            pool = transport._pool
            pool._network_backend = _Backend(pool._network_backend)


def may_go_on() -> None:
    """Run the check of the call in flight; what it raises comes out of `interruptible`."""
    check = getattr(_call, "check", None)
    if check is None:
        return
    try:
        check()
    except Exception as reason:
        raise _Interrupt(reason) from None


class _Backend(httpcore2.NetworkBackend):
    """Makes streams that wait in slices. Connecting itself is bounded by `model_connect_s`."""

    def __init__(self, plain: httpcore2.NetworkBackend) -> None:
        self._plain = plain

    def connect_tcp(self, *args: Any, **kwargs: Any) -> httpcore2.NetworkStream:
        may_go_on()
        return _Stream(self._plain.connect_tcp(*args, **kwargs))

    def connect_unix_socket(self, *args: Any, **kwargs: Any) -> httpcore2.NetworkStream:
        may_go_on()
        return _Stream(self._plain.connect_unix_socket(*args, **kwargs))


class _Stream(httpcore2.NetworkStream):
    """A connection that runs the check between two slices."""

    def __init__(self, plain: httpcore2.NetworkStream) -> None:
        self._plain = plain

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        silent_until = clock.monotonic() + (float("inf") if timeout is None else timeout)
        while True:
            may_go_on()
            left_s = silent_until - clock.monotonic()
            try:
                return self._plain.read(max_bytes, max(0.001, min(SLICE_S, left_s)))
            except httpcore2.ReadTimeout:
                if left_s <= SLICE_S:
                    raise

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _PIECE_BYTES):
            may_go_on()
            self._plain.write(buffer[start : start + _PIECE_BYTES], timeout)

    def start_tls(self, *args: Any, **kwargs: Any) -> httpcore2.NetworkStream:
        may_go_on()
        return _Stream(self._plain.start_tls(*args, **kwargs))

    def get_extra_info(self, info: str) -> Any:
        return self._plain.get_extra_info(info)

    def close(self) -> None:
        self._plain.close()
