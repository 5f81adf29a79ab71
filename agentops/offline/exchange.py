"""One HTTP exchange: routes, authentication, body, headers, and the log line of a message request."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

from agentops.offline.answers import Answer, error_answer
from agentops.offline.delivery import Ending, deliver
from agentops.offline.errors import ApiError, InvalidRequestError
from agentops.offline.jsontext import JsonObject, compact_ascii
from agentops.offline.link import Link
from agentops.offline.reply import mint
from agentops.offline.request import parse_request
from agentops.offline.server import OfflineServer

MAX_BODY_BYTES = 32 * 1024 * 1024
READ_BYTES = 1024 * 1024

# Limit and what is left of it; they never change, as nothing here is ever used up.
RATE_LIMITS = {
    "requests": (1_000, 999),
    "tokens": (2_400_000, 2_399_000),
    "input-tokens": (2_000_000, 1_999_000),
    "output-tokens": (400_000, 399_000),
}

Respond = Callable[[JsonObject], Answer]


class Exchange(BaseHTTPRequestHandler):
    """Answer the requests of one connection, one after the other."""

    protocol_version = "HTTP/1.1"
    server_version = "offline-model"
    sys_version = ""
    disable_nagle_algorithm = True
    server: OfflineServer

    def do_GET(self) -> None:
        """Serve the health check and the requests received so far."""
        path = self._begin()
        if path == "/healthz":
            answer = Answer(status=200, pieces=[compact_ascii({"status": "ok", "model": "offline"}).encode()])
        elif path == "/offline/requests":
            lines = self.server.log.as_lines()
            answer = Answer(status=200, pieces=[lines], content_type="application/x-ndjson")
        else:
            answer = self._not_found(path)
        self._leave(self._deliver(answer))

    def do_POST(self) -> None:
        """Create a message or count tokens."""
        path = self._begin()
        if path == "/v1/messages":
            self._create_message()
        elif path == "/v1/messages/count_tokens":
            self._leave(self._deliver(self._guarded({}, self._count)))
        else:
            # Closing on unread bytes would reset the connection before the answer is read.
            with suppress(ApiError):
                self._read_body()
            self._leave(self._deliver(self._not_found(path)))

    def do_PUT(self) -> None:
        """Answer that there is nothing to replace here."""
        self._refuse_method()

    def do_PATCH(self) -> None:
        """Answer that there is nothing to change here."""
        self._refuse_method()

    def do_DELETE(self) -> None:
        """Answer that there is nothing to delete here."""
        self._refuse_method()

    def log_message(self, *_: object) -> None:
        """Keep the console quiet: the request log tells more."""

    def _begin(self) -> str:
        self._request_id = mint("req")
        self._started_at = self.server.clock()
        return urlsplit(self.path).path

    def _create_message(self) -> None:
        received: JsonObject = {}
        answer = self._guarded(received, self._answer)
        ending = self._deliver(answer)
        # Before the last bytes: a client that has its answer must find the request in the log.
        self.server.log.append(self._entry(received, answer, aborted=ending is not Ending.COMPLETE))
        self._leave(ending)

    def _answer(self, request: JsonObject) -> Answer:
        return self.server.answers.answer(request, request_id=self._request_id, at=self._started_at)

    def _count(self, request: JsonObject) -> Answer:
        counted = {"input_tokens": self.server.answers.count(request)}
        return Answer(status=200, pieces=[compact_ascii(counted).encode()])

    def _guarded(self, received: JsonObject, respond: Respond) -> Answer:
        """Answer an authenticated JSON request, or say what is wrong; `received` is filled with its body."""
        try:
            body = self._read_body()
            self._authenticate()
            received.update(parse_request(body))
            return respond(received)
        except ApiError as error:
            return error_answer(error, self._request_id)

    def _authenticate(self) -> None:
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        if not (self.headers.get("x-api-key") or (scheme.lower() == "bearer" and token.strip())):
            raise ApiError(401, "authentication_error", "x-api-key header or bearer token is required")

    def _read_body(self) -> bytes:
        length = self.headers.get("content-length", "")
        if not length.isdecimal():
            self.close_connection = True
            raise InvalidRequestError("content-length: header is required")
        if int(length) <= MAX_BODY_BYTES:
            return self.rfile.read(int(length))
        # Clients read no answer before they have sent everything, so the excess is taken and thrown away.
        left = min(int(length), 2 * MAX_BODY_BYTES)
        while left > 0 and (part := self.rfile.read(min(left, READ_BYTES))):
            left -= len(part)
        self.close_connection = True
        raise ApiError(413, "request_too_large", "Request exceeds the maximum allowed number of bytes: 32 MB")

    def _deliver(self, answer: Answer) -> Ending:
        self._link = Link(self, self._common_headers())
        try:
            return deliver(answer, self._link)
        except ConnectionError:
            return Ending.DROPPED

    def _leave(self, ending: Ending) -> None:
        if ending is Ending.COMPLETE:
            self._link.end()
        else:
            self._link.drop(reset=ending is Ending.RESET)

    def _common_headers(self) -> dict[str, str]:
        reset = datetime.fromtimestamp(self._started_at + 1, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        headers = {"request-id": self._request_id, "anthropic-organization-id": "offline"}
        for name, (limit, remaining) in RATE_LIMITS.items():
            headers[f"anthropic-ratelimit-{name}-limit"] = str(limit)
            headers[f"anthropic-ratelimit-{name}-remaining"] = str(remaining)
            headers[f"anthropic-ratelimit-{name}-reset"] = reset
        return headers

    def _refuse_method(self) -> None:
        self.close_connection = True
        self._leave(self._deliver(self._not_found(self._begin())))

    def _not_found(self, path: str) -> Answer:
        return error_answer(ApiError(404, "not_found_error", f"{path}: Not found"), self._request_id)

    def _entry(self, body: JsonObject, answer: Answer, *, aborted: bool) -> JsonObject:
        metadata = body.get("metadata")
        return {
            "at": self._started_at,
            "request_id": self._request_id,
            "user_id": metadata.get("user_id") if isinstance(metadata, dict) else None,
            "body": body or None,
            "status": answer.status,
            "fault": answer.fault.kind if answer.fault else None,
            "response": answer.message,
            "aborted": aborted,
        }
