"""The agent that the benchmarks run; declared only in the process that measures."""

from typing import Any

from agentops.lab.bench.model import RESULT_CHARS
from runs.registry import Agent, register, tool


@tool(effect="idempotent")
def bench_put(context: Any, value: int) -> str:
    """Put a value."""
    return "r" * RESULT_CHARS


@register
class BenchAgent(Agent):
    """Alternates between a model call and a tool call."""

    name = "bench"
    model = "claude-sonnet-5-5"
    system = "You are measured."
    tools = [bench_put]
    max_cost_usd = None
