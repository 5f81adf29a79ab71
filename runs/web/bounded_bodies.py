"""Bound request bodies in size and time before Django reads them; Django itself spools any body to disk first.

ASGI only: a WSGI server reads bodies in its own way, so there the server or a proxy must set these limits.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from django.core.handlers.asgi import get_script_prefix

from runs.conf import conf

Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LINGER_BYTES = 16 * 1024 * 1024
LINGER_S = 5.0
_GONE = {"type": "http.disconnect"}


class BoundedBodies:
    """An ASGI application that answers 413 to bodies over the limit, and 408 to bodies that do not arrive in time.

    The limit is `body_max_bytes`, the time `body_timeout_s`. `larger` names path prefixes with a limit of their own,
    without `FORCE_SCRIPT_NAME` or the server's root path; the longest prefix wins. Wrap the whole application in it, so
    that no address is left out.
    """

    def __init__(self, app: App, *, larger: Mapping[str, int] | None = None) -> None:
        self.app = app
        self.larger = sorted((larger or {}).items(), key=lambda item: -len(item[0]))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; pass anything other than HTTP through."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        body = _Body(scope, receive, send, limit=self._limit(scope))
        if body.is_announced_too_large():
            return await body.refuse_size()
        return await self.app(scope, body.receive, body.send)

    def _limit(self, scope: Scope) -> int:
        path = str(scope["path"]).removeprefix(get_script_prefix(scope))
        return next((limit for prefix, limit in self.larger if path.startswith(prefix)), conf().body_max_bytes)


class _Body:
    """The body of one request on its way to the application."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, *, limit: int) -> None:
        self._headers = dict(scope["headers"])
        self._closes = str(scope.get("http_version", "1.1")).startswith("1")
        self._receive, self._send = receive, send
        self._limit, self._count = limit, 0
        self._ends_at = asyncio.get_running_loop().time() + conf().body_timeout_s
        self._is_complete = self._is_refused = False

    def is_announced_too_large(self) -> bool:
        length = self._headers.get(b"content-length", b"")
        return length.isdigit() and int(length) > self._limit

    async def receive(self) -> Message:
        """Pass on the next part; after a refusal, the application sees a disconnected client."""
        if self._is_refused:
            return _GONE
        if self._is_complete:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._ends_at):
                message = await self._receive()
        except TimeoutError:
            said = f"The body did not arrive within {conf().body_timeout_s:g} seconds; send it again."
            await self._refuse(408, "body_timeout", said)
            return _GONE
        self._is_complete = not message.get("more_body", False)
        self._count += len(message.get("body", b""))
        if self._count > self._limit:
            await self.refuse_size()
            return _GONE
        return message

    async def send(self, message: Message) -> None:
        """Pass the application's answer on, unless the request has been answered here."""
        if not self._is_refused:
            await self._send(message)

    async def refuse_size(self) -> None:
        still_comes = not self._is_complete and b"expect" not in self._headers
        said = f"The body is larger than {self._limit // 1024} KB."
        await self._refuse(413, "too_large", said, lingers=still_comes)

    async def _refuse(self, status: int, code: str, detail: str, *, lingers: bool = False) -> None:
        from runs.api.problems import problem  # needs Django's apps, which load after a project's asgi.py has begun

        self._is_refused = True
        document = problem(status, code, detail)
        headers = [(name.lower().encode(), value.encode()) for name, value in document.items()]
        headers.append((b"content-length", str(len(document.content)).encode()))
        if self._closes:
            headers.append((b"connection", b"close"))
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": document.content, "more_body": True})
        if lingers:
            await self._linger()
        await self._send({"type": "http.response.body"})

    async def _linger(self) -> None:
        """Discard the rest of the body: most clients send it all before they read, and a reset would hide the answer.

        Bounded in bytes and time, since some clients never stop.
        """
        dropped = 0
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER_S):
                while dropped < LINGER_BYTES:
                    message = await self._receive()
                    dropped += len(message.get("body", b""))
                    if not message.get("more_body", False):
                        return
