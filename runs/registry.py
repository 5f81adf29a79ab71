"""The public names for declarations, to be imported by an `agents.py`."""

from runs.declarations.catalog import register
from runs.declarations.job_types import Agent, Job, Workflow
from runs.declarations.retry_policies import Delays, Linear, Narrow, Polynomial
from runs.declarations.tools import Tool, ask_human, tool
from runs.errors import RateLimitedError, ToolError, TransientError, UnknownOutcomeError

__all__ = [
    "Agent",
    "Delays",
    "Job",
    "Linear",
    "Narrow",
    "Polynomial",
    "RateLimitedError",
    "Tool",
    "ToolError",
    "TransientError",
    "UnknownOutcomeError",
    "Workflow",
    "ask_human",
    "register",
    "tool",
]
