"""The job types that real workers run for a measurement; declared only where the bench is installed."""

from typing import Any

from runs.registry import Agent, Job, register, tool


@tool(effect="unsafe", approval="always")
def bench_pay(context: Any, amount: int) -> str:
    """Pay an amount, once a person agrees."""
    return f"paid {amount}"


@register
class BenchWaiter(Agent):
    """Proposes a payment and waits for a person."""

    name = "bench_waiter"
    model = "claude-sonnet-5-5"
    system = "You wait."
    tools = [bench_pay]


@register
class BenchPaced(Agent):
    """Asks once, within the rate limit of its model."""

    name = "bench_paced"
    model = "claude-sonnet-5-5"
    system = "You are paced."


@register
class BenchBlink(Job):
    """Does nothing: what is measured is when it starts."""

    name = "bench_blink"
    queue = "agents"

    def run(self, context: Any, **input: Any) -> None:
        """Do nothing."""


@register
class BenchTurn(Job):
    """Does nothing, one at a time: what is measured is when the next one starts."""

    name = "bench_turn"
    queue = "agents"
    max_running_per_tenant = 1

    def run(self, context: Any, **input: Any) -> None:
        """Do nothing."""
