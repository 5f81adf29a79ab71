"""What limits and pauses share: checking that their selector exists here, and the aftermath of an edit."""

import logging

from django.contrib.auth.models import AbstractBaseUser

from runs.declarations.catalog import job_types
from runs.declarations.job_types import Agent
from runs.engine.limits.rules import forget_rules
from runs.models import Selector

log = logging.getLogger(__name__)


def problems_of(selector: Selector) -> dict[str, list[str]]:
    """List by field what is named but not declared here, or not by the job type: it would match nothing."""
    declared = {job_type.name for job_type in job_types()}
    agents = [job_type for job_type in job_types() if isinstance(job_type, Agent)]
    found = {}
    if selector.job_type and selector.job_type not in declared:
        found["job_type"] = [f"no job type {selector.job_type!r} is declared here"]
    if selector.model and selector.model not in {agent.model for agent in agents}:
        found["model"] = [f"no agent here asks the model {selector.model!r}"]
    if selector.tool and not any(selector.tool in agent.tools_by_name for agent in agents):
        found["tool"] = [f"no agent here has a tool {selector.tool!r}"]
    if found or not selector.job_type:
        return found
    agent = next((agent for agent in agents if agent.name == selector.job_type), None)
    if selector.model and (agent is None or agent.model != selector.model):
        found["model"] = [f"{selector.job_type} does not ask the model {selector.model!r}"]
    if selector.tool and (agent is None or selector.tool not in agent.tools_by_name):
        found["tool"] = [f"{selector.job_type} has no tool {selector.tool!r}"]
    return found


def note_edit(row: Selector, what: str, user: AbstractBaseUser) -> None:
    """Apply an edit in this process at once, and log it."""
    forget_rules()
    log.warning("%s %s by %s: %s", type(row).__name__.lower(), what, user.get_username(), row)
