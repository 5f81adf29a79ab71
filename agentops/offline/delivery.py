"""Sending an answer, with the fault it carries acted out on the connection."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from enum import Enum
from typing import Any

from agentops.offline.answers import ScriptedAnswer
from agentops.offline.faults import Fault

# One chunk a byte would cost two hundred slow streams their speed: bytes within this time travel together.
DRIP_INTERVAL_S = 0.02

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class ClientGoneError(ConnectionError):
    """The client closed the connection while it was being answered, or the server did."""


class StreamEnding(Enum):
    """How the connection is to be left after an answer."""

    COMPLETE = "the body ends as HTTP wants it"
    DROPPED = "the connection closes without the end of the body"
    RESET = "the connection is reset"


class Link:
    """One HTTP connection while an answer is being sent: chunks, pauses, and ways to break it off."""

    def __init__(self, transport: asyncio.Transport, receive: Receive, send: Send, headers: Mapping[str, str]) -> None:
        self._transport = transport
        self._receive = receive
        self._send = send
        self._common_headers = headers

    async def begin(self, answer: ScriptedAnswer) -> None:
        """Send the status line and the headers; without a length, the body goes out in chunks."""
        headers = {**self._common_headers, "content-type": answer.content_type, **answer.headers}
        encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        await self._send({"type": "http.response.start", "status": answer.status, "headers": encoded})

    async def send(self, data: bytes, *, seconds_per_byte: float = 0.0) -> None:
        """Send a part of the body, slowly if need be. Raises: ClientGoneError."""
        size = max(1, round(DRIP_INTERVAL_S / seconds_per_byte) if seconds_per_byte else len(data))
        for start in range(0, len(data), size):
            part = data[start : start + size]
            await self.wait(len(part) * seconds_per_byte)
            await self._send({"type": "http.response.body", "body": part, "more_body": True})
            if self._transport.is_closing():
                raise ClientGoneError

    async def wait(self, seconds: float) -> None:
        """Stay silent for a while.

        Raises: ClientGoneError as soon as the client closes the connection, or the server does.
        """
        if seconds > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._until_closed()
                raise ClientGoneError

    async def leave(self, ending: StreamEnding) -> None:
        """End the body, after which the connection stays open for the next request, or close at once."""
        if ending is StreamEnding.COMPLETE:
            await self._send({"type": "http.response.body", "body": b""})
            return
        if ending is StreamEnding.RESET:
            connection: socket.socket = self._transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.close()
        # Only a request whose connection is known to be lost may end without an answer.
        await self._until_closed()

    async def _until_closed(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass


async def deliver(answer: ScriptedAnswer, link: Link) -> StreamEnding:
    """Send an answer up to, but not including, the end of its body.

    The end is left to the caller, so that the request can be logged before its client goes on.
    """
    try:
        await link.wait(answer.delay_s)
        return await _act_out(answer, answer.fault, link)
    except ClientGoneError:
        return StreamEnding.DROPPED


async def _act_out(answer: ScriptedAnswer, fault: Fault | None, link: Link) -> StreamEnding:
    match fault:
        case Fault(kind="refused_before_response"):
            return StreamEnding.DROPPED
        case Fault(kind="hang"):
            if fault.after != "nothing":
                await _send(answer, answer.pieces[:1] if fault.after == "message_start" else [], link)
            await link.wait(fault.seconds)
            return StreamEnding.DROPPED
        case Fault(kind="cut" | "truncate"):
            # The last piece is never sent: a fault must not turn into a complete answer.
            await _send(answer, answer.pieces[:-1][: fault.after_events], link)
            if fault.kind == "truncate":
                return StreamEnding.COMPLETE
            return StreamEnding.RESET if fault.reset else StreamEnding.DROPPED
        case Fault(kind="drip"):
            await _send(answer, answer.pieces, link, seconds_per_byte=fault.seconds_per_byte)
        case _:
            await _send(answer, answer.pieces, link)
    return StreamEnding.COMPLETE


async def _send(answer: ScriptedAnswer, pieces: Sequence[bytes], link: Link, *, seconds_per_byte: float = 0.0) -> None:
    await link.begin(answer)
    for piece in pieces:
        await link.send(piece, seconds_per_byte=seconds_per_byte)
