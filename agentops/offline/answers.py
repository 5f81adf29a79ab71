"""From a request to an answer: check it, choose the turn, account for it, inject faults. No sockets here."""

from dataclasses import dataclass, field

from agentops.offline.cache import PromptCache, total_tokens
from agentops.offline.cache_control import check_breakpoints
from agentops.offline.conversation import OfflineConversation
from agentops.offline.errors import OfflineApiError, injected_error
from agentops.offline.faults import ALONE, IN_BATCHES, OF_CREATING, REJECTIONS, Fault, FaultCounter
from agentops.offline.jsontext import JsonObject, compact_ascii, output_tokens
from agentops.offline.quota import OfflineQuota
from agentops.offline.recordings import Recordings
from agentops.offline.reply import build_reply, scripted_content
from agentops.offline.request import check_request
from agentops.offline.scripts import Script, ScriptedTurn, best_script
from agentops.offline.signatures import check_signatures, signed
from agentops.offline.transcript import check_transcript
from agentops.offline.wire import damaged, error_body, stream_events, with_usage

JSON_TYPE = "application/json"
STREAM_TYPE = "text/event-stream; charset=utf-8"


@dataclass(frozen=True, kw_only=True)
class ScriptedAnswer:
    """What to send: status, headers and the body in pieces, one piece an event or a part of the JSON.

    Shape: `message` is the message served, None for errors; `fault` is still to be acted out while sending.
    """

    status: int = 200
    pieces: list[bytes]
    content_type: str = JSON_TYPE
    headers: dict[str, str] = field(default_factory=dict)
    message: JsonObject | None = None
    fault: Fault | None = None
    delay_s: float = 0.0


def error_answer(error: OfflineApiError, request_id: str) -> ScriptedAnswer:
    """Make the answer that reports an error."""
    body = compact_ascii(error_body(error, request_id)).encode()
    delay_s = 0.0
    if error.fault and error.fault.answer_after_s:
        delay_s = error.fault.answer_after_s
    return ScriptedAnswer(status=error.status, pieces=[body], headers=error.headers, fault=error.fault, delay_s=delay_s)


class Answers:
    """Answer message requests from recordings and scripts; the thread of the server is the only caller."""

    def __init__(self, scripts: tuple[Script, ...], recordings: Recordings, quota: OfflineQuota) -> None:
        self.quota = quota
        self._scripts = scripts
        self._recordings = recordings
        self._faults = FaultCounter()
        self._cache = PromptCache()

    def answer(
        self, request: JsonObject, *, at: float, request_id: str, kinds: frozenset[str] = ALONE, metered: bool = True
    ) -> ScriptedAnswer:
        """Answer one request to create a message; only faults of these kinds can happen.

        Raises: OfflineApiError when the request is refused.
        """
        check_request(request)
        conversation = OfflineConversation(request)
        script = best_script(self._scripts, conversation)
        _check_rules(request, may_continue=script.may_continue(conversation))
        if metered and self.quota.is_limited:
            self.quota.take(self._cache.uncached_tokens(request, at=at), at=at)
        turn, fault = self._recordings.next_turn(conversation), None
        if turn is None:
            turn, fault = self._next_turn(script, conversation, at=at, kinds=kinds)
        if fault and (fault.kind in REJECTIONS or (fault.kind == "sse_error" and not request.get("stream"))):
            raise injected_error(fault, at=at)
        if fault and fault.kind == "body":  # what a proxy might say
            body = fault.body.encode(fault.encoding)
            return ScriptedAnswer(
                status=fault.status or 200, pieces=[body], content_type=fault.content_type, fault=fault
            )
        answer = self._served(turn, fault, conversation, at=at, request_id=request_id)
        if metered and answer.message:
            self.quota.answered(output_tokens(answer.message["content"]))
        return answer

    def batched(self, request: JsonObject, *, at: float) -> JsonObject:
        """Answer one request of a batch. The quota is not theirs.

        Shape: the API's result, `{"type": "succeeded", "message"}` or another.
        """
        try:
            answer = self.answer(request, request_id="", at=at, kinds=IN_BATCHES, metered=False)
        except OfflineApiError as error:
            return {"type": "errored", "error": error_body(error, "")}
        if answer.fault and answer.fault.kind == "batch_result":
            return dict(answer.fault.result)
        if answer.fault and answer.fault.kind == "batch_expired":
            return {"type": "expired"}
        message = answer.message or {}
        usage = message.get("usage")
        usage = {**usage, "service_tier": "batch"} if isinstance(usage, dict) else usage
        return {"type": "succeeded", "message": {**message, "usage": usage}}

    def batch_fault(self, request: JsonObject, *, at: float) -> str | None:
        """Say what happens to the making of a batch with this request in it; None if nothing does."""
        try:
            check_request(request)
        except OfflineApiError:
            return None  # shows in its result
        conversation = OfflineConversation(request)
        script = best_script(self._scripts, conversation)
        _, fault = self._next_turn(script, conversation, at=at, kinds=OF_CREATING)
        return fault.kind if fault else None

    def count(self, request: JsonObject) -> int:
        """Estimate the input tokens of a request.

        Raises: OfflineApiError when the request is refused.
        """
        check_request(request, counting=True)
        _check_rules(request, may_continue=True)
        return total_tokens(request)

    def _next_turn(
        self, script: Script, conversation: OfflineConversation, *, at: float, kinds: frozenset[str]
    ) -> tuple[ScriptedTurn, Fault | None]:
        position = script.position(conversation)
        turn = script.turn(position)
        key = (script.name, position, conversation.user_id, conversation.first_user_text)
        return turn, self._faults.next_fault(script.faults + turn.faults, key=key, at=at, kinds=kinds)

    def _served(
        self,
        turn: ScriptedTurn,
        fault: Fault | None,
        conversation: OfflineConversation,
        *,
        at: float,
        request_id: str,
    ) -> ScriptedAnswer:
        request = conversation.request
        content = signed(scripted_content(turn, conversation), request)
        reply = build_reply(turn, content, request, usage=self._cache.account(request, at=at))
        if fault and fault.kind == "usage":
            reply = with_usage(reply, fault)
        body = compact_ascii(reply.message).encode()
        # In two parts, so that a fault has a middle to strike in.
        pieces, content_type = [body[: len(body) // 2], body[len(body) // 2 :]], JSON_TYPE
        if request.get("stream") and not (fault and fault.kind == "plain"):
            pieces, content_type = damaged(stream_events(reply), fault, request_id), STREAM_TYPE
        return ScriptedAnswer(
            pieces=pieces, content_type=content_type, message=reply.message, fault=fault, delay_s=turn.delay_s
        )


def _check_rules(request: JsonObject, *, may_continue: bool) -> None:
    check_transcript(request["messages"], may_continue=may_continue)
    check_breakpoints(request)
    check_signatures(request)
