"""The socket server: one thread a connection, and an end that does not wait for slow streams."""

import contextlib
import socket
import socketserver
import sys
import threading
from collections.abc import Callable
from typing import cast

from agentops.offline.answers import Answers
from agentops.offline.batches import Batches
from agentops.offline.log import RequestLog

HOST = "127.0.0.1"

# The type the base class declares; a stream server only ever sees the first.
Connection = socket.socket | tuple[bytes, socket.socket]


class OfflineServer(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Listen on the loopback interface and hold what the exchanges share."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 512

    def __init__(
        self,
        port: int,
        exchange: type[socketserver.BaseRequestHandler],
        *,
        answers: Answers,
        batches: Batches,
        log: RequestLog,
        clock: Callable[[], float],
    ) -> None:
        self.answers = answers
        self.batches = batches
        self.log = log
        self.clock = clock
        self._open: set[socket.socket] = set()
        self._changed = threading.Condition()
        self._hanging_up = False
        super().__init__((HOST, port), exchange)

    @property
    def port(self) -> int:
        """Return the port the server listens on."""
        return int(self.server_address[1])

    def finish_request(self, request: Connection, client_address: object) -> None:
        """Serve one connection, known to `hang_up` for as long as it is open."""
        connection = cast(socket.socket, request)
        with self._changed:
            if self._hanging_up:
                return
            self._open.add(connection)
        try:
            super().finish_request(request, client_address)
        finally:
            with self._changed:
                self._open.discard(connection)
                self._changed.notify_all()

    def hang_up(self, *, within_s: float) -> None:
        """Close every connection and give their threads a moment to write their log lines."""
        with self._changed:
            self._hanging_up = True
            for connection in self._open:
                # The handler may have closed it already.
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            self._changed.wait_for(lambda: not self._open, timeout=within_s)

    def handle_error(self, request: Connection, client_address: object) -> None:
        """Report an error in an exchange; a client that went away is none."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)
