"""Holding the steps of a run against the recorded conversation. Pure."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from agentops.lab.workload.blocks import plain
from agentops.lab.workload.conversations import Call, Conversation, ModelTurn, Workload
from agentops.lab.workload.findings import STEPS, Findings, by_kind

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Expected:
    """One step that must be there: its kind, whether it only reads, and the fields it must hold."""

    turn: int
    kind: str
    fields: Json
    reads: bool = True

    @property
    def label(self) -> str:
        """What to call it in a report."""
        return f"{self.kind} {self.fields.get('tool_use_id', '')}".strip()


READ: dict[str, Callable[[Json], Any]] = {
    "content": lambda step: plain((step.get("result") or {}).get("content")),
    "stop_reason": lambda step: (step.get("result") or {}).get("stop_reason"),
    "text": lambda step: (step.get("result") or {}).get("text"),
    "end": lambda step: (step.get("result") or {}).get("end", False),
}  # the fields that lie inside a step's result; all others are its own


def compare_steps(workload: Workload, conversation: Conversation, steps: list[Json]) -> Findings:
    """Check that every recorded turn, call and text is one completed step, in order, and nothing else is."""
    findings = Findings(conversation.id, STEPS)
    _check_calls_once(conversation, steps, findings)
    last = 0
    for number, (expected, step) in enumerate(zip_longest(expected_steps(workload, conversation), steps), 1):
        if expected is None:
            findings.differs(last, f"a step too many: {_label(step)}")
        elif step is None:
            findings.differs(expected.turn, f"missing: {expected.label}")
        elif step.get("kind") != expected.kind:
            findings.differs(expected.turn, f"expected {expected.label}, found {_label(step)}")
            break  # everything after it would differ for the same reason
        else:
            findings.expect(expected.turn, "seq", number, step.get("seq"))
            _check(expected, step, findings)
        last = expected.turn if expected else last
    return findings


def expected_steps(workload: Workload, conversation: Conversation) -> Iterator[Expected]:
    """List the steps that a faithful replay records, in order."""
    for turn in conversation.turns:
        if isinstance(turn, ModelTurn):
            yield Expected(turn.turn, "model_call", {"content": plain(turn.content), "stop_reason": turn.stop_reason})
            for call in turn.calls:
                yield _expected_call(workload, turn, call)
        elif turn.turn:  # the first text is the input, not an answer
            yield Expected(turn.turn, "wait", {"text": turn.text, "end": turn.is_last_word})


def _expected_call(workload: Workload, turn: ModelTurn, call: Call) -> Expected:
    effect = workload.effects[call.name]
    fields = {
        "tool_use_id": call.id,
        "name": call.name,
        "effect": effect,
        "arguments": call.arguments,
        "text": call.result,
    }
    return Expected(turn.turn, "tool_call", fields, reads=effect == "read")


def _check(expected: Expected, step: Json, findings: Findings) -> None:
    findings.expect(expected.turn, f"{expected.label}: status", "completed", step.get("status"))
    for name, value in expected.fields.items():
        found = READ[name](step) if name in READ else step.get(name)
        findings.expect(expected.turn, f"{expected.label}: {name}", value, found)
    attempt = step.get("attempt")
    if expected.kind == "wait" or attempt == 1:
        return
    repeated = f"{expected.label}: repeated: attempt {attempt}"
    if expected.reads and isinstance(attempt, int) and attempt > 1:
        findings.note(expected.turn, repeated)
    else:
        findings.differs(expected.turn, repeated)


def _check_calls_once(conversation: Conversation, steps: list[Json], findings: Findings) -> None:
    turns = {call.id: turn.turn for turn in conversation.model_turns for call in turn.calls}
    found = Counter(str(step.get("tool_use_id")) for step in by_kind(steps, "tool_call"))
    for identifier, times in found.items():
        if times > 1:
            findings.differs(turns.get(identifier, 0), f"tool_call {identifier}: twice: {times} steps")


def _label(step: Json) -> str:
    return f"{step.get('kind')} {step.get('tool_use_id') or ''} (step {step.get('seq')})".replace("  ", " ")
