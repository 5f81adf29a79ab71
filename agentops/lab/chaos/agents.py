"""The job types of `chaos`: every effect class as a tool, as a step of a job, and as a recorded workload."""

import dataclasses
import os
import time
from pathlib import Path
from typing import Any

from agentops.examples.workload.declaration import workload_agent
from agentops.lab.chaos.ledger import find, record
from runs.registry import Agent, Delays, Job, Tool, ask_human, register, tool

SOCKET = os.environ["AGENTOPS_CHAOS"]
WORKLOAD = os.environ.get("AGENTOPS_CHAOS_WORKLOAD", "")
TIMEOUT_S = 2.0
# Short, for providers that recover at once; many, since a database that restarts costs some as well.
RETRY = Delays(delays_s=(0.2, 0.5, 1.0, 2.0, 3.0, 5.0, 5.0, 5.0, 5.0, 5.0))
_LATENCY_S = 0.02  # how long the other side thinks before the effect, and again before it answers


def _do(context: Any, op: str, effect: str) -> dict[str, Any]:
    return _effect(str(context.run_id), op, context.effect_key, effect)


def _effect(run: str, op: str, key: str | None, effect: str) -> dict[str, Any]:
    time.sleep(_LATENCY_S)  # the other side thinks: room for a kill before the effect
    receipt = record(SOCKET, run=run, op=op, key=key, effect=effect)
    time.sleep(_LATENCY_S)  # and between the effect and its answer
    return {"receipt": receipt}


@tool(effect="read", timeout_s=TIMEOUT_S)
def look(context: Any, op: str) -> dict[str, Any]:
    """Look something up."""
    return _do(context, op, "read")


@tool(effect="idempotent", timeout_s=TIMEOUT_S)
def put(context: Any, op: str) -> dict[str, Any]:
    """Put something; the other side knows the key."""
    return _do(context, op, "idempotent")


def _verify(context: Any, arguments: dict[str, Any]) -> dict[str, Any] | None:
    receipt = find(SOCKET, key=context.effect_key)
    return None if receipt is None else {"receipt": receipt}


@tool(effect="verifiable", timeout_s=TIMEOUT_S, verify=_verify)
def book(context: Any, op: str) -> dict[str, Any]:
    """Book something; the other side can be asked."""
    return _do(context, op, "verifiable")


@tool(effect="unsafe", timeout_s=TIMEOUT_S)
def send(context: Any, op: str) -> dict[str, Any]:
    """Send something; nobody can tell afterwards."""
    return _do(context, op, "unsafe")


@tool(effect="unsafe", approval="always", timeout_s=TIMEOUT_S)
def refund(context: Any, op: str) -> dict[str, Any]:
    """Refund something; a person must agree."""
    return _do(context, op, "unsafe")


@register
class ChaosAgent(Agent):
    """Does what its script says; each call names its operation."""

    name = "chaos"
    model = "claude-sonnet-5-5"
    system = "You do what the script says."
    tools = [look, put, book, send, refund, ask_human]
    retry = RETRY


@register
class ChaosSteps(Job):
    """A plain job with a step of each effect class."""

    name = "chaos_steps"
    queue = "batch"
    retry = RETRY

    def run(self, context: Any, rounds: int = 1) -> dict[str, Any]:  # type: ignore[override]  # its own input
        """Do every class in turn, as often as told."""
        receipts = {}
        for number in range(1, rounds + 1):
            for effect in ("read", "idempotent", "unsafe", "verifiable"):
                name = f"{effect}-{number}"
                key = f"{context.run_id.hex}-{name}"
                receipts[name] = context.step(
                    name, _effect, str(context.run_id), name, key, effect, effect=effect, timeout_s=TIMEOUT_S
                )["receipt"]
        return receipts


def counted(recorded: Tool) -> Tool:
    """Make every call of a recorded tool an effect, of the class that it has."""

    def call(context: Any, /, **arguments: Any) -> Any:
        """Make the effect, then return what was recorded."""
        _do(context, context.tool_use_id, str(recorded.effect))
        return recorded.function(context, **arguments)

    return dataclasses.replace(recorded, function=call, timeout_s=TIMEOUT_S)


if WORKLOAD:
    WorkloadAgent = workload_agent(Path(WORKLOAD))
    WorkloadAgent.tools = [counted(one) for one in WorkloadAgent.tools]
    WorkloadAgent.retry = RETRY
    register(WorkloadAgent)
