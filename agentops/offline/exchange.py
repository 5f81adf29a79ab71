"""One HTTP exchange: routes, authentication, body, headers, and the log line of a message request."""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl

from agentops.offline.answers import Answers, ScriptedAnswer, error_answer
from agentops.offline.batches import Batches
from agentops.offline.delivery import ClientGoneError, Link, Receive, Send, StreamEnding, deliver
from agentops.offline.errors import InvalidRequestError, OfflineApiError
from agentops.offline.faults import Fault
from agentops.offline.jsontext import JsonObject, compact_ascii
from agentops.offline.log import RequestLog
from agentops.offline.reply import mint
from agentops.offline.request import parse_request

MAX_BODY_BYTES = 32 * 1024 * 1024
MAX_BATCH_BYTES = 256 * 1024 * 1024

MESSAGES = "/v1/messages"
COUNT_TOKENS = "/v1/messages/count_tokens"
BATCHES = "/v1/messages/batches"
CANCEL = re.compile(f"{BATCHES}/(.*)/cancel")


@dataclass(frozen=True)
class Application:
    """What the exchanges share, as an ASGI application."""

    answers: Answers
    batches: Batches
    log: RequestLog
    clock: Callable[[], float]

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Answer one request. A client that leaves before it has asked is not logged."""
        with suppress(ClientGoneError):
            await Exchange(self, scope, receive).run(send)


class Exchange:
    """One request and its answer."""

    def __init__(self, application: Application, scope: Any, receive: Receive) -> None:
        self._app = application
        self._scope = scope
        self._receive = receive
        self._method, self._path = scope["method"], scope["path"]
        self._headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        self._request_id = mint("req")
        self._started_at = application.clock()
        self._received: JsonObject = {}  # the body of a message request, once it is read
        self._closes = False

    async def run(self, send: Send) -> None:
        """Answer, and log a message request before its client can go on."""
        try:
            answer = self._read() if self._method == "GET" else await self._write()
        except OfflineApiError as error:
            answer = error_answer(error, self._request_id)
        link = Link(self._scope["state"]["transport"], self._receive, send, self._answer_headers())
        ending = await deliver(answer, link)
        if (self._method, self._path) == ("POST", MESSAGES):
            self._app.log.record(
                self._received,
                at=self._started_at,
                request_id=self._request_id,
                status=answer.status,
                fault=answer.fault.kind if answer.fault else None,
                response=answer.message,
                aborted=ending is not StreamEnding.COMPLETE,
            )
        await link.leave(ending)

    def _read(self) -> ScriptedAnswer:
        """Serve the health check, the requests received so far, and batches."""
        if self._path == "/healthz":
            return _as_answer({"status": "ok", "model": "offline"})
        if self._path == "/offline/requests":
            return ScriptedAnswer(pieces=[self._app.log.as_lines()], content_type="application/x-ndjson")
        if not self._path.startswith(BATCHES):
            raise self._not_found()
        self._authenticate()
        match self._path.removeprefix(BATCHES).strip("/").split("/"):
            case [""]:
                query = dict(parse_qsl(self._scope["query_string"].decode("latin-1")))
                return _as_answer(self._app.batches.page(query, base_url=self._base_url))
            case [batch_id]:
                return _as_answer(self._app.batches.one(batch_id, base_url=self._base_url))
            case [batch_id, "results"]:
                results = self._app.batches.results(batch_id)
                return ScriptedAnswer(pieces=[results], content_type="application/x-jsonl")
        raise self._not_found()

    async def _write(self) -> ScriptedAnswer:
        """Create a message or a batch of them, cancel a batch, or count tokens."""
        cancelled = CANCEL.fullmatch(self._path)
        if self._method != "POST" or not (cancelled or self._path in (MESSAGES, COUNT_TOKENS, BATCHES)):
            # Closing on unread bytes would reset the connection before the answer is read.
            with suppress(OfflineApiError):
                await self._read_body()
            raise self._not_found()
        body = await self._read_body()
        self._authenticate()
        if cancelled:
            return _as_answer(self._app.batches.cancel(cancelled[1], base_url=self._base_url))
        self._received = parse_request(body)
        if self._path == MESSAGES:
            return self._app.answers.answer(self._received, request_id=self._request_id, at=self._started_at)
        if self._path == COUNT_TOKENS:
            return _as_answer({"input_tokens": self._app.answers.count(self._received)})
        document, is_lost = self._app.batches.create(self._received, base_url=self._base_url)
        return replace(_as_answer(document), fault=Fault(kind="refused_before_response") if is_lost else None)

    @property
    def _base_url(self) -> str:
        return f"http://{self._headers.get('host')}"

    def _authenticate(self) -> None:
        scheme, _, token = self._headers.get("authorization", "").partition(" ")
        if not (self._headers.get("x-api-key") or (scheme.lower() == "bearer" and token.strip())):
            raise OfflineApiError(401, "authentication_error", "x-api-key header or bearer token is required")

    async def _read_body(self) -> bytes:
        length = self._headers.get("content-length", "")
        if not length.isdecimal():
            self._closes = True
            raise InvalidRequestError("content-length: header is required")
        most = MAX_BATCH_BYTES if self._path == BATCHES else MAX_BODY_BYTES
        fits = int(length) <= most
        body, taken, more = [], 0, True
        # Clients read no answer before they have sent everything, so an excess is taken and thrown away.
        while more and taken < 2 * most:
            event = await self._receive()
            if event["type"] == "http.disconnect":
                raise ClientGoneError
            more = event["more_body"]
            taken += len(event["body"])
            if fits:
                body.append(event["body"])
        if fits:
            return b"".join(body)
        self._closes = True
        raise OfflineApiError(
            413, "request_too_large", f"Request exceeds the maximum allowed number of bytes: {most >> 20} MB"
        )

    def _answer_headers(self) -> dict[str, str]:
        quota = self._app.answers.quota.headers(self._started_at)
        headers = {"request-id": self._request_id, "anthropic-organization-id": "offline", **quota}
        return headers | ({"connection": "close"} if self._closes else {})

    def _not_found(self) -> OfflineApiError:
        return OfflineApiError(404, "not_found_error", f"{self._path}: Not found")


def _as_answer(document: JsonObject) -> ScriptedAnswer:
    return ScriptedAnswer(pieces=[compact_ascii(document).encode()])
