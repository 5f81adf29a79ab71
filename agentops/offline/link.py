"""One HTTP connection while an answer is being sent: chunks, pauses, and ways to break it off."""

import selectors
import socket
import struct
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from typing import Any

# One chunk a byte would cost two hundred slow streams their speed: bytes within this time travel together.
DRIP_INTERVAL_S = 0.02


class ClientGoneError(ConnectionError):
    """The client closed the connection while it was being answered."""


class Link:
    """Send one answer in chunks over a handler's connection."""

    def __init__(self, handler: BaseHTTPRequestHandler, common_headers: Mapping[str, str]) -> None:
        self._handler = handler
        self._common_headers = common_headers
        self._socket: socket.socket = handler.connection

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """Send the status line and the headers."""
        self._handler.send_response(status)
        for name, value in {**self._common_headers, **headers, "transfer-encoding": "chunked"}.items():
            self._handler.send_header(name, value)
        if self._handler.close_connection:
            self._handler.send_header("connection", "close")
        self._handler.end_headers()

    def send(self, data: bytes) -> None:
        """Send a part of the body; nothing is sent for no bytes, as an empty chunk would end the body."""
        if data:
            self._handler.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))

    def drip(self, data: bytes, *, seconds_per_byte: float) -> None:
        """Send a part of the body slowly."""
        size = max(1, round(DRIP_INTERVAL_S / seconds_per_byte)) if seconds_per_byte else len(data)
        for start in range(0, len(data), size):
            part = data[start : start + size]
            self.wait(len(part) * seconds_per_byte)
            self.send(part)

    def end(self) -> None:
        """End the body as HTTP wants it; the connection stays open for the next request."""
        self._handler.wfile.write(b"0\r\n\r\n")

    def wait(self, seconds: float) -> None:
        """Stay silent for a while.

        Raises: ClientGoneError as soon as the client closes the connection, or the server does.
        """
        until = time.monotonic() + seconds
        if seconds > 0 and _readable(self._socket, seconds):
            if not self._socket.recv(1, socket.MSG_PEEK):
                raise ClientGoneError
            # Another request is already waiting behind this one: it is no reason to hurry.
            time.sleep(max(0.0, until - time.monotonic()))

    def drop(self, *, reset: bool) -> None:
        """Close the connection at once, by a reset if asked for."""
        self._handler.close_connection = True
        if reset:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            # A reset needs the last reference closed here, before the server says goodbye politely.
            self._handler.rfile.close()
            self._socket.close()


def _readable(connection: Any, seconds: float) -> bool:
    with selectors.DefaultSelector() as selector:
        selector.register(connection, selectors.EVENT_READ)
        return bool(selector.select(seconds))
