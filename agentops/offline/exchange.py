"""One HTTP exchange: routes, authentication, body, headers, and the log line of a message request."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qsl, urlsplit

from agentops.offline.answers import Answer, error_answer
from agentops.offline.delivery import Ending, deliver
from agentops.offline.errors import ApiError, InvalidRequestError
from agentops.offline.faults import Fault
from agentops.offline.jsontext import JsonObject, compact_ascii
from agentops.offline.link import Link
from agentops.offline.log import entry_of
from agentops.offline.reply import mint
from agentops.offline.request import parse_request
from agentops.offline.server import OfflineServer

MAX_BODY_BYTES = 32 * 1024 * 1024
MAX_BATCH_BYTES = 256 * 1024 * 1024
READ_BYTES = 1024 * 1024

BATCHES = "/v1/messages/batches"

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
        elif path.startswith(BATCHES):
            answer = self._unless_refused(lambda: self._read_batches(path.removeprefix(BATCHES).strip("/")))
        else:
            answer = self._not_found(path)
        self._leave(self._deliver(answer))

    def do_POST(self) -> None:
        """Create a message or a batch of them, cancel a batch, or count tokens."""
        path = self._begin()
        if path == "/v1/messages":
            self._create_message()
        elif path == "/v1/messages/count_tokens":
            self._leave(self._deliver(self._guarded({}, self._count)))
        elif path == BATCHES:
            self._leave(self._deliver(self._guarded({}, self._create_batch)))
        elif path.startswith(BATCHES) and path.endswith("/cancel"):
            batch_id = path.removeprefix(BATCHES).removesuffix("/cancel").strip("/")
            self._read_body()
            self._leave(self._deliver(self._unless_refused(lambda: self._cancel_batch(batch_id))))
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

    def _create_batch(self, body: JsonObject) -> Answer:
        document, fault = self.server.batches.create(body, base_url=self._base_url)
        answer = _as_answer(document)
        return replace(answer, fault=Fault("refused_before_response", 1, {})) if fault else answer

    def _cancel_batch(self, batch_id: str) -> Answer:
        return _as_answer(self.server.batches.cancel(batch_id, base_url=self._base_url))

    def _read_batches(self, rest: str) -> Answer:
        """Answer with the list, one batch, or its results, by what follows in the path."""
        batch_id, _, part = rest.partition("/")
        if part == "results":
            return Answer(
                status=200, pieces=[self.server.batches.results(batch_id)], content_type="application/x-jsonl"
            )
        if part:
            return self._not_found(self.path)
        if batch_id:
            return _as_answer(self.server.batches.one(batch_id, base_url=self._base_url))
        query = dict(parse_qsl(urlsplit(self.path).query))
        return _as_answer(self.server.batches.page(query, base_url=self._base_url))

    @property
    def _base_url(self) -> str:
        return f"http://{self.headers.get('host')}"

    def _unless_refused(self, respond: Callable[[], Answer]) -> Answer:
        """Answer an authenticated request without a body, or say what is wrong."""
        try:
            self._authenticate()
            return respond()
        except ApiError as error:
            return error_answer(error, self._request_id)

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
        most = MAX_BATCH_BYTES if urlsplit(self.path).path == BATCHES else MAX_BODY_BYTES
        if int(length) <= most:
            return self.rfile.read(int(length))
        # Clients read no answer before they have sent everything, so the excess is taken and thrown away.
        left = min(int(length), 2 * most)
        while left > 0 and (part := self.rfile.read(min(left, READ_BYTES))):
            left -= len(part)
        self.close_connection = True
        raise ApiError(
            413, "request_too_large", f"Request exceeds the maximum allowed number of bytes: {most >> 20} MB"
        )

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
        quota = self.server.answers.quota.headers(self._started_at)
        return {"request-id": self._request_id, "anthropic-organization-id": "offline", **quota}

    def _refuse_method(self) -> None:
        self.close_connection = True
        self._leave(self._deliver(self._not_found(self._begin())))

    def _not_found(self, path: str) -> Answer:
        return error_answer(ApiError(404, "not_found_error", f"{path}: Not found"), self._request_id)

    def _entry(self, body: JsonObject, answer: Answer, *, aborted: bool) -> JsonObject:
        return entry_of(
            body,
            at=self._started_at,
            request_id=self._request_id,
            status=answer.status,
            fault=answer.fault.kind if answer.fault else None,
            response=answer.message,
            aborted=aborted,
        )


def _as_answer(document: JsonObject) -> Answer:
    return Answer(status=200, pieces=[compact_ascii(document).encode()])
