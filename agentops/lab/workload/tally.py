"""Counting what a replay did against what was recorded. Pure."""

from collections import Counter
from dataclasses import dataclass, fields
from typing import Any, Self

from agentops.lab.workload.conversations import Conversation
from agentops.lab.workload.findings import by_kind

Json = dict[str, Any]


@dataclass(slots=True)
class Tally:
    """Numbers of model turns, closing turns and tool calls; and of calls that are missing or happened twice."""

    model_turns: int = 0
    closing_turns: int = 0
    tool_calls: int = 0
    missing: int = 0  # turns and calls without a completed step
    twice: int = 0  # calls with two steps, or effects that were tried twice

    def __add__(self, other: Self) -> "Tally":
        return Tally(*(getattr(self, name.name) + getattr(other, name.name) for name in fields(self)))


def recorded(conversation: Conversation) -> Tally:
    """Count what a faithful replay does."""
    closing = sum(turn.is_closing for turn in conversation.model_turns)
    return Tally(len(conversation.model_turns) - closing, closing, len(conversation.calls))


def done(conversation: Conversation, steps: list[Json]) -> Tally:
    """Count what the steps of a run say was done."""
    expected = recorded(conversation)
    answers = sum(step.get("status") == "completed" for step in by_kind(steps, "model_call"))
    completed, tries = Counter[str](), Counter[str]()
    for step in by_kind(steps, "tool_call"):
        identifier = str(step.get("tool_use_id"))
        completed[identifier] += step.get("status") == "completed"
        # A read that was interrupted is done again; everything else must never be.
        tries[identifier] += 1 if step.get("effect") == "read" else step.get("attempt", 0)
    calls = sum(completed[call.id] > 0 for call in conversation.calls)
    turns = min(answers, expected.model_turns)
    closing = min(answers - turns, expected.closing_turns)
    return Tally(
        model_turns=turns,
        closing_turns=closing,
        tool_calls=calls,
        missing=expected.model_turns + expected.closing_turns + expected.tool_calls - turns - closing - calls,
        twice=sum(tries[call.id] > 1 for call in conversation.calls),
    )
