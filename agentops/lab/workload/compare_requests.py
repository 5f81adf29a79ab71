"""Holding the requests that the offline model received against the recorded conversation. Pure."""

from typing import Any

from agentops.lab.workload.blocks import plain
from agentops.lab.workload.conversations import Conversation, ModelTurn, Workload
from agentops.lab.workload.findings import REQUESTS, Findings, Received

Json = dict[str, Any]


def compare_requests(workload: Workload, conversation: Conversation, requests: list[Received]) -> Findings:
    """Check that each answer was asked for with exactly what had been said before it.

    The last answered request of a turn counts; earlier ones were retried and are notes.
    """
    findings = Findings(conversation.id, REQUESTS)
    asked: dict[int, list[Received]] = {}
    for request in requests:
        asked.setdefault(request.model_turns, []).append(request)
    for number, turn in enumerate(conversation.model_turns):
        _check_turn(workload, conversation, turn, asked.pop(number, []), findings)
    for request in (request for tries in asked.values() for request in tries):
        findings.differs(request.model_turns, "a request too many, beyond the last turn")
    return findings


def _check_turn(
    workload: Workload,
    conversation: Conversation,
    turn: ModelTurn,
    tries: list[Received],
    findings: Findings,
) -> None:
    answered = [request for request in tries if request.answered]
    if not answered:
        findings.differs(turn.turn, f"missing: no answered request, {len(tries)} without an answer")
        return
    if len(tries) > 1:
        findings.note(turn.turn, f"retried: {len(tries)} requests, {len(answered)} answered")
    body = answered[-1].body
    findings.expect(turn.turn, "user_id", conversation.id, (body.get("metadata") or {}).get("user_id"))
    findings.expect(turn.turn, "system", [{"text": workload.policy, "type": "text"}], plain(body.get("system")))
    findings.expect(turn.turn, "tools", plain(workload.tools), plain(body.get("tools")))
    _check_messages(conversation.messages[: turn.turn], plain(body.get("messages")) or [], turn, findings)


def _check_messages(recorded: list[Json], received: list[Json], turn: ModelTurn, findings: Findings) -> None:
    findings.expect(turn.turn, "number of messages", len(recorded), len(received))
    for position, (wanted, got) in enumerate(zip(recorded, received, strict=False)):
        findings.expect(turn.turn, f"message {position}", plain(wanted), got)
