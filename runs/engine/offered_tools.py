"""Which tools a run's user is offered: those that need no role, and those whose role the user holds.

Decided once, when the run gets its definition, so that all its requests offer the same. Each call checks again.
"""

from runs.declarations.catalog import job_type_named
from runs.declarations.job_types import Agent
from runs.engine.permissions import may_use
from runs.errors import NotPermittedError
from runs.models import Definition, Run
from runs.models.definition import definition_for


def snapshot(agent: Agent, run: Run) -> Definition:
    """Store the agent's definition as of now, for this run's user; later deploys do not change the run."""
    return definition_for(
        job_type=agent.name,
        model=agent.model,
        system=agent.system,
        tools=[tool.definition for tool in agent.tools if may_use(tool, run)],
        max_tokens=agent.max_tokens,
        cache_ttl=agent.chosen_cache_ttl,
    )


def inherited(definition: Definition | None, run: Run) -> Definition | None:
    """Find the definition for a run that inherits another's, without the tools that its own user may not use.

    Raises: NotPermittedError if no tool is left: a conversation with tool calls needs one to continue.
    """
    agent = job_type_named(run.job_type)
    if definition is None or not isinstance(agent, Agent):
        return definition
    refused = {tool.name for tool in agent.tools if not may_use(tool, run)}
    tools = [tool for tool in definition.tools if tool["name"] not in refused]
    if len(tools) == len(definition.tools):
        return definition
    if not tools:
        raise NotPermittedError("each tool of this conversation demands a role that you do not hold in the tenant")
    return definition_for(
        job_type=definition.job_type,
        model=definition.model,
        system=definition.system,
        tools=tools,
        max_tokens=definition.max_tokens,
        cache_ttl=definition.cache_ttl,
    )
