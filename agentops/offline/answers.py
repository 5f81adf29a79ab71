"""From a request to an answer: check it, choose the turn, account for it, inject faults. No sockets here."""

import hashlib
import json
from dataclasses import dataclass, field
from email.utils import formatdate

from agentops.offline.cache import PromptCache, total_tokens
from agentops.offline.cache_control import check_breakpoints
from agentops.offline.conversation import OfflineConversation
from agentops.offline.errors import OfflineApiError, overloaded_error, rejection
from agentops.offline.faults import IN_BATCHES, KINDS, OF_BATCHES, OF_CREATING, Fault, FaultCounter
from agentops.offline.jsontext import JsonObject, compact_ascii, output_tokens
from agentops.offline.quota import OfflineQuota
from agentops.offline.reply import Reply, build_reply, cut_at, scripted_content
from agentops.offline.request import check_request
from agentops.offline.scripts import Recordings, Script, ScriptedTurn, best_script
from agentops.offline.signatures import check_signatures, signed
from agentops.offline.transcript import check_shapes, check_transcript
from agentops.offline.wire import error_body, event, mangled, stream_events, with_usage

JSON_TYPE = "application/json"
STREAM_TYPE = "text/event-stream; charset=utf-8"


@dataclass(frozen=True, kw_only=True)
class ScriptedAnswer:
    """What to send: status, headers and the body in pieces, one piece an event or a part of the JSON.

    Shape: `message` is the message served, None for errors; `fault` is still to be acted out while sending.
    """

    status: int
    pieces: list[bytes]
    content_type: str = JSON_TYPE
    headers: dict[str, str] = field(default_factory=dict)
    message: JsonObject | None = None
    fault: Fault | None = None
    delay_s: float = 0.0


def error_answer(error: OfflineApiError, request_id: str, *, fault: Fault | None = None) -> ScriptedAnswer:
    """Make the answer that reports an error."""
    body = compact_ascii(error_body(error, request_id)).encode()
    return ScriptedAnswer(status=error.status, pieces=[body], headers=error.headers, fault=fault)


class Answers:
    """Answer message requests from recordings and scripts; the thread of the server is the only caller."""

    def __init__(self, scripts: tuple[Script, ...], recordings: Recordings, quota: OfflineQuota) -> None:
        self.quota = quota
        self._scripts = scripts
        self._recordings = recordings
        self._faults = FaultCounter()
        self._cache = PromptCache()

    def answer(
        self,
        request: JsonObject,
        *,
        request_id: str,
        at: float,
        kinds: frozenset[str] = frozenset(KINDS) - OF_BATCHES,
        metered: bool = True,
    ) -> ScriptedAnswer:
        """Answer one request to create a message; only faults of these kinds can happen.

        Raises: ApiError when the request is refused.
        """
        conversation, script = self._checked(request)
        if metered and self.quota.is_limited:
            self.quota.take(self._cache.uncached_tokens(request, at=at), at=at)
        answer = self._next_turn(conversation, script, request, request_id=request_id, at=at, kinds=kinds)
        if metered and answer.message:
            self.quota.answered(output_tokens(answer.message["content"]))
        return answer

    def _checked(self, request: JsonObject) -> tuple[OfflineConversation, Script]:
        """Find the conversation and its script. Raises: ApiError when the request is refused."""
        check_request(request)
        check_shapes(request["messages"])
        conversation = OfflineConversation(request)
        script = best_script(self._scripts, conversation)
        self._check_rules(request, may_continue=script.may_continue(conversation))
        return conversation, script

    def _next_turn(
        self,
        conversation: OfflineConversation,
        script: Script,
        request: JsonObject,
        *,
        request_id: str,
        at: float,
        kinds: frozenset[str],
    ) -> ScriptedAnswer:
        recorded = self._recordings.next_turn(conversation)
        if recorded is not None:
            reply = self._reply(recorded, recorded.content, request=request, at=at)
            return _served(reply, recorded, streaming=bool(request.get("stream")))
        position = script.position(conversation)
        fault = self._next_fault(script, position, conversation, kinds=kinds, at=at)
        return self._scripted(script.turn(position), fault, conversation, request, request_id=request_id, at=at)

    def batched(self, request: JsonObject, *, at: float) -> JsonObject:
        """Answer one request of a batch. The quota is not theirs.

        Shape: the API's result, `{"type": "succeeded", "message"}` or another.
        """
        try:
            answer = self.answer(request, request_id="", at=at, kinds=IN_BATCHES, metered=False)
        except OfflineApiError as error:
            return {"type": "errored", "error": error_body(error, "")}
        if answer.message is None:
            return {"type": "errored", "error": json.loads(b"".join(answer.pieces))}
        if answer.fault and answer.fault.kind == "batch_result":
            return dict(answer.fault["result"])
        if answer.fault and answer.fault.kind == "batch_expired":
            return {"type": "expired"}
        usage = answer.message.get("usage")
        usage = {**usage, "service_tier": "batch"} if isinstance(usage, dict) else usage
        return {"type": "succeeded", "message": {**answer.message, "usage": usage}}

    def batch_fault(self, request: JsonObject, *, at: float) -> str | None:
        """Say what happens to the making of a batch with this request in it; None if nothing does."""
        try:
            check_request(request)
            check_shapes(request["messages"])
        except OfflineApiError:
            return None  # shows in its result
        conversation = OfflineConversation(request)
        script = best_script(self._scripts, conversation)
        fault = self._next_fault(
            script, script.position(conversation), conversation, kinds=frozenset(OF_CREATING), at=at
        )
        return fault.kind if fault else None

    def count(self, request: JsonObject) -> int:
        """Estimate the input tokens of a request.

        Raises: ApiError when the request is refused.
        """
        check_request(request, counting=True)
        self._check_rules(request, may_continue=True)
        return total_tokens(request)

    def _check_rules(self, request: JsonObject, *, may_continue: bool) -> None:
        check_transcript(request["messages"], may_continue=may_continue)
        check_breakpoints(request)
        check_signatures(request)

    def _next_fault(
        self, script: Script, position: int, conversation: OfflineConversation, *, kinds: frozenset[str], at: float
    ) -> Fault | None:
        asked = hashlib.sha256(conversation.first_user_text.encode("utf-8", "surrogatepass")).hexdigest()
        key = (script.name, position, conversation.user_id, asked)
        return self._faults.next_fault(script.faults_of(script.turn(position)), key=key, at=at, kinds=kinds)

    def _scripted(
        self,
        turn: ScriptedTurn,
        fault: Fault | None,
        conversation: OfflineConversation,
        request: JsonObject,
        *,
        request_id: str,
        at: float,
    ) -> ScriptedAnswer:
        streaming = bool(request.get("stream"))
        if fault and fault.is_rejection:
            return _rejected(fault, request_id, at)
        if fault and fault.kind == "body":
            return _said(fault)
        if fault and fault.kind == "sse_error" and not streaming:
            return error_answer(overloaded_error(fault), request_id, fault=fault)
        reply = self._reply(turn, scripted_content(turn, conversation), request=request, at=at)
        reply = cut_at(reply, request["max_tokens"])
        return _served(reply, turn, streaming=streaming, fault=fault, request_id=request_id)

    def _reply(self, turn: ScriptedTurn, content: list[JsonObject], *, request: JsonObject, at: float) -> Reply:
        usage = self._cache.account(request, at=at)
        return build_reply(turn, signed(content, request), model=request["model"], usage=usage)


def _rejected(fault: Fault, request_id: str, at: float) -> ScriptedAnswer:
    refused = error_answer(rejection(fault), request_id, fault=fault)
    delay_s = fault.options.get("answer_after_s") or 0.0
    headers = {}
    if fault.options.get("retry_after_s") is not None:
        headers["retry-after"] = str(fault["retry_after_s"])
    if fault.options.get("retry_after_date_s") is not None:
        headers["retry-after"] = formatdate(at + fault["retry_after_date_s"], usegmt=True)
    return ScriptedAnswer(status=refused.status, pieces=refused.pieces, headers=headers, fault=fault, delay_s=delay_s)


def _said(fault: Fault) -> ScriptedAnswer:
    """Answer what a proxy might, word for word."""
    body = fault["body"].encode(fault["encoding"])
    return ScriptedAnswer(status=fault["status"], pieces=[body], content_type=fault["content_type"], fault=fault)


def _served(
    reply: Reply, turn: ScriptedTurn, *, streaming: bool, fault: Fault | None = None, request_id: str = ""
) -> ScriptedAnswer:
    if fault and fault.kind == "usage":
        reply = with_usage(reply, fault)
    streaming = streaming and not (fault and fault.kind == "plain")
    if streaming:
        pieces = mangled(stream_events(reply), fault)
    else:
        body = compact_ascii(reply.message).encode()
        # In two parts, so that a fault has a middle to strike in.
        pieces = [body[: len(body) // 2], body[len(body) // 2 :]]
    if fault and fault.kind == "sse_error":
        described = error_body(overloaded_error(fault), request_id)
        pieces = [pieces[0], event("error", described)]
    return ScriptedAnswer(
        status=200,
        pieces=pieces,
        content_type=STREAM_TYPE if streaming else JSON_TYPE,
        message=reply.message,
        fault=fault,
        delay_s=turn.delay_s,
    )
