"""A small real mail server: it takes mails, stays silent, or answers with an error first."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import Message
from typing import Any

import django


class SmtpServer(socketserver.ThreadingTCPServer):
    """Listens on a free port. `refuse_with` answers so many mails; a silent one answers nothing until it is closed."""

    daemon_threads = True
    request_queue_size = 20

    def __init__(self, *, silent: bool = False, refuse: int = 0, refuse_with: str = "451 come back later") -> None:
        self.silent, self.to_refuse, self.refuse_with = silent, refuse, refuse_with
        self.taken: list[Message] = []
        self.called = threading.Event()  # somebody has connected
        self.closing = threading.Event()
        super().__init__(("127.0.0.1", 0), _Talk)

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.server_address[1]


class _Talk(socketserver.StreamRequestHandler):
    server: SmtpServer

    def handle(self) -> None:
        self.server.called.set()
        if self.server.silent:
            self.server.closing.wait(60)
            return
        self.say("220 ready")
        while line := self.rfile.readline():
            self.answer(line[:4].strip().upper())

    def answer(self, verb: bytes) -> None:
        if verb == b"MAIL" and self.server.to_refuse:
            self.server.to_refuse -= 1
            self.say(self.server.refuse_with)
        elif verb == b"DATA":
            self.say("354 go on")
            lines = iter(self.rfile.readline, b".\r\n")
            self.server.taken.append(message_from_bytes(b"".join(lines)))
            self.say("250 taken")
        else:
            self.say("221 bye" if verb == b"QUIT" else "250 fine")

    def say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@contextmanager
def smtp_server(**behaviour: Any) -> Iterator[SmtpServer]:
    """Run a server; what was sent to it stands in `taken`."""
    with SmtpServer(**behaviour) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.closing.set()
        server.shutdown()


def use(settings: Any, port: int, *, timeout_s: float = 20) -> None:
    """Let Django send its mails there."""
    if django.VERSION >= (6, 1):
        options = {"host": "127.0.0.1", "port": port, "timeout": timeout_s}
        backend = "django.core.mail.backends.smtp.EmailBackend"
        settings.MAILERS = {"default": {"BACKEND": backend, "OPTIONS": options}}
        return
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", port, timeout_s
