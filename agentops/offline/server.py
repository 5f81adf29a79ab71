"""The server: uvicorn in a thread of its own, with an end that does not wait for slow streams."""

import asyncio
import socket
import threading
from contextlib import suppress
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

HOST = "127.0.0.1"
BACKLOG = 512
KEEP_ALIVE_S = 3600
DATE_HOLDS_S = 1
HANG_UP_WITHIN_S = 0.5


class Connection(H11Protocol):
    """One connection; its transport is in the state of each request, for faults on the wire."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # always TCP here
        """Keep the transport for the requests to come."""
        super().connection_made(transport)
        # asyncio does so only for sockets that name their protocol, and what is accepted here names none.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.app_state = {"transport": transport}


class OfflineServer(uvicorn.Server):
    """Listen on the loopback interface and serve one ASGI application.

    Raises: OSError when the port is taken.
    """

    def __init__(self, application: Any, port: int) -> None:
        super().__init__(
            uvicorn.Config(
                application,
                http=Connection,
                ws="none",
                lifespan="off",
                loop="asyncio",
                backlog=BACKLOG,
                log_config=None,
                access_log=False,
                server_header=False,
                headers=[("server", "offline-model")],
                timeout_keep_alive=KEEP_ALIVE_S,
            )
        )
        self._listener = socket.create_server((HOST, port), backlog=BACKLOG)
        self._thread = threading.Thread(target=self.run, args=([self._listener],), daemon=True)
        self._serving = threading.Event()

    @property
    def port(self) -> int:
        """Return the port the server listens on."""
        return int(self._listener.getsockname()[1])

    def start(self) -> None:
        """Serve in the background."""
        self._thread.start()
        self._serving.wait()

    def stop(self) -> None:
        """Close every connection, give their requests a moment to be logged, and end."""
        self.should_exit = True
        self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join()

    async def main_loop(self) -> None:
        """Renew the date header until the end; uvicorn's own loop looks for the end every 0.1 s."""
        self._loop, self._ending = asyncio.get_running_loop(), asyncio.Event()
        while not await self.on_tick(0):
            self._serving.set()
            with suppress(TimeoutError):
                async with asyncio.timeout(DATE_HOLDS_S):
                    await self._ending.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close everything at once, open streams included."""
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        if self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks, timeout=HANG_UP_WITHIN_S)
