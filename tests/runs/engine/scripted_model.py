"""The model of the state machine: it answers as the prompt says, as bytes that the engine reads as it reads any others.

What it is sent, it checks as the API does. Its faults are those of models, of gateways and of the ways between.
"""

import json
from collections import Counter
from uuid import uuid4

import anthropic
import httpx2

from agentops.offline.reply import Reply
from agentops.offline.request import check_request
from agentops.offline.signatures import check_signatures, signed
from agentops.offline.transcript import check_transcript
from agentops.offline.wire import stream_events
from runs.engine.provider import Answer
from runs.engine.read_answer import read_answer
from runs.storable import storable_id

CANARY = "canary-in-a-coal-mine-4711"
USAGE = {"input_tokens": 100, "output_tokens": 50}

_REFUSALS = {
    "429": (anthropic.RateLimitError, 429, "rate_limit_error"),
    "overloaded": (anthropic.InternalServerError, 529, "overloaded_error"),
    "forbidden": (anthropic.PermissionDeniedError, 403, "permission_error"),
}
_REASONS = {"truncated": "max_tokens", "refusal": "refusal", "odd reason": "r" * 100}
_USAGES = {"unmetered": None, "metered as nothing": {"input_tokens": 0, "output_tokens": 0}}
_BODIES = {
    "nothing": b"",
    "a page": b"<html><body>502 Bad Gateway</body></html>",
    "an error with 200": b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}',
}
_LOST = {"no stop": -1, "lost beginning": 0, "lost block": 2, "lost delta": 3}  # the event that does not arrive
_THOUGHTS = {"thinks": "Hm.", "thinks of a secret": f"Hm, {CANARY}."}
_BLANK = {"type": "text", "text": " \n"}
_ODD = ("odd blocks", "one id twice", "long ids")

FAULTS = ("cut", "half input", *_REFUSALS, *_REASONS, *_USAGES, *_BODIES, *_LOST, *_THOUGHTS, *_ODD)


class ScriptedModel:
    """Answers a prompt `<number>|<turns>`: each turn is a list of tools to call, and after the last it is done."""

    def __init__(self, in_the_stream):
        self.faults = []  # of the next requests, one each
        self.asked = Counter()  # a run's prompt: how often its model was asked
        self._in_the_stream = in_the_stream
        self._calls = 0

    def ask(self, request, *, check, progress, timeout_s):
        """Stand where `runs.engine.provider.ask` stands."""
        self.asked[_prompt(request)] += 1
        check_request(request)
        check_transcript(request["messages"])
        check_signatures(request)
        fault = self.faults.pop(0) if self.faults else None
        _refuse(fault)
        reply = self._reply(request, fault)
        progress.message_id, progress.request_id = storable_id(reply.message["id"]), "req"
        self._in_the_stream()
        check()
        if fault == "cut":
            raise httpx2.RemoteProtocolError("peer closed the connection")
        response = httpx2.Response(
            200, content=_body(reply, fault), request=httpx2.Request("POST", "http://model.test")
        )
        message = read_answer(response, model=request["model"], begun=lambda _: None)
        return Answer(message=message, request_id="req")

    def _reply(self, request, fault):
        turns = json.loads(_prompt(request).split("|")[1])
        answers = sum(message["role"] == "assistant" for message in request["messages"])
        names = turns[answers] if answers < len(turns) else []
        content = [self._call(name, fault) for name in names] or [{"type": "text", "text": "Done."}]
        if fault in _THOUGHTS:
            content = [{"type": "thinking", "thinking": _THOUGHTS[fault]}, *content]
        if fault == "odd blocks":
            content = [_BLANK, {"type": "hologram"}, *content, _BLANK]
        message = {
            "id": f"msg_{uuid4().hex}" + "m" * (fault == "long ids") * 150,
            "type": "message",
            "role": "assistant",
            "model": request["model"],
            "content": signed(content, request),
            "stop_reason": _REASONS.get(fault, "tool_use" if names else "end_turn"),
            "usage": _USAGES.get(fault, USAGE),
        }
        return Reply(message, '{"amount": 1' if fault == "half input" and names else None)

    def _call(self, name, fault):
        self._calls += fault != "one id twice"
        arguments = {"refund": {"amount": 7}, "ask_human": {"question": "Well?"}}
        identifier = f"toolu_{self._calls}" + "x" * (fault == "long ids") * 126
        return {"type": "tool_use", "id": identifier, "name": name, "input": arguments.get(name, {})}


def _prompt(request):
    return request["messages"][0]["content"][0]["text"]


def _refuse(fault):
    """Fail as the provider does before any answer."""
    if fault in _REFUSALS:
        error, status, kind = _REFUSALS[fault]
        response = httpx2.Response(
            status, headers={"retry-after": "1"}, request=httpx2.Request("POST", "http://model.test")
        )
        raise error(kind, response=response, body={"type": "error", "error": {"type": kind, "message": kind}})


def _body(reply, fault):
    if fault in _BODIES:
        return _BODIES[fault]
    events = stream_events(reply)
    if fault in _LOST:
        del events[_LOST[fault]]
    return b"".join(events)
