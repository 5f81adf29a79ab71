"""What a limit or a pause is about, whether that exists here, and what both do alike when they are set."""

import logging
from dataclasses import dataclass
from typing import Any, TypeVar

from django.contrib.auth.models import AbstractBaseUser

from runs.declarations.catalog import job_types
from runs.declarations.job_types import Agent
from runs.engine.scopes import forget_rules
from runs.models import Limit, Pause, Tenant
from runs.queue.waiting import ring_for
from runs.storable import storable_text

log = logging.getLogger(__name__)
R = TypeVar("R", Limit, Pause)

_WORDS_MAX_CHARS = 4000


@dataclass(frozen=True, slots=True)
class Scope:
    """What a limit or a pause is about: all that is named. Without a tenant it is about every tenant."""

    tenant: Tenant | None = None
    queue: str = ""
    job_type: str = ""
    model: str = ""
    tool: str = ""

    @property
    def columns(self) -> dict[str, Any]:
        """As the rows store it."""
        return {name: getattr(self, name) for name in ("tenant", "queue", "job_type", "model", "tool")}

    def problems(self) -> dict[str, list[str]]:
        """Say by field what is named and not declared here."""
        declared = {job_type.name for job_type in job_types()}
        agents = [job_type for job_type in job_types() if isinstance(job_type, Agent)]
        found = {}
        if self.job_type and self.job_type not in declared:
            found["job_type"] = [f"no job type {self.job_type!r} is declared here"]
        if self.model and self.model not in {agent.model for agent in agents}:
            found["model"] = [f"no agent here asks the model {self.model!r}"]
        if self.tool and not any(self.tool in agent.tools_by_name for agent in agents):
            found["tool"] = [f"no agent here has a tool {self.tool!r}"]
        return found or self._contradictions(agents)

    def _contradictions(self, agents: list[Agent]) -> dict[str, list[str]]:
        """Say by field what is declared, but not of the job type: such a scope would be about nothing."""
        if not self.job_type:
            return {}
        agent = next((agent for agent in agents if agent.name == self.job_type), None)
        found = {}
        if self.model and (agent is None or agent.model != self.model):
            found["model"] = [f"{self.job_type} does not ask the model {self.model!r}"]
        if self.tool and (agent is None or self.tool not in agent.tools_by_name):
            found["tool"] = [f"{self.job_type} has no tool {self.tool!r}"]
        return found


def kept_words(text: str) -> str:
    """Make a person's words fit to store."""
    return storable_text(text)[:_WORDS_MAX_CHARS]


def told(row: R, what: str, user: AbstractBaseUser) -> R:
    """Let an edit hold here at once, ring where it may let runs start, and leave a trace. Returns the row."""
    forget_rules()
    ring_for(row)
    log.warning("%s %s by %s: %s", type(row).__name__.lower(), what, user.get_username(), row)
    return row
