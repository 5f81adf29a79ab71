"""Build the request to the model: the messages of a run, and what is sent with them."""

from collections.abc import Sequence
from typing import Any

from runs.declarations.job_types import Agent
from runs.engine.transcript import Message, messages_of
from runs.engine.valid_blocks import without_tools
from runs.errors import PromptInvalidError
from runs.models import Definition, Run, Step
from runs.sanitize import clean_text
from runs.user_code.call import ask_hook


def messages_for(run: Run, agent: Agent, steps: Sequence[Step]) -> list[Message]:
    """Derive the messages of the next request. Raises: PromptInvalidError."""
    return messages_of(_prompt(agent, run), steps, before=_history_before(run))


def request_of(
    definition: Definition,
    messages: list[Message],
    *,
    max_tokens: int,
    end_user: str | None,
    cache_ttl: str | None = None,
) -> dict[str, Any]:
    """Build the request.

    The end of `system` and the last block are cache breakpoints, so that each turn reads what the previous one
    wrote. All have the same lifetime, from the lane or the definition: a deploy does not change it during a run.
    """
    cache = {"type": "ephemeral", "ttl": cache_ttl or definition.cache_ttl}
    request: dict[str, Any] = {
        "model": definition.model,
        "max_tokens": max_tokens,
        "messages": messages if definition.tools else without_tools(messages),
        "cache_control": cache,
    }
    if definition.system:
        request["system"] = [{"type": "text", "text": definition.system, "cache_control": cache}]
    if definition.tools:
        request["tools"] = definition.tools
    if end_user:
        request["metadata"] = {"user_id": end_user}
    return request


def _history_before(run: Run) -> list[Message] | None:
    """Derive the transcript of the run that this one continues, if there is one."""
    if run.continues is None:
        return None
    from runs.declarations.catalog import job_type_named

    former = run.continues
    agent = job_type_named(former.job_type)
    assert isinstance(agent, Agent)
    return messages_of(
        clean_text(str(ask_hook(agent, "prompt", former.input))),
        former.steps.order_by("seq"),
        before=_history_before(former),
    )


def _prompt(agent: Agent, run: Run) -> str:
    """Render the first message. Raises: PromptInvalidError if it is blank."""
    prompt = ask_hook(agent, "prompt", run.input)
    if not isinstance(prompt, str) or not prompt.strip():
        said = "blanks" if isinstance(prompt, str) else type(prompt).__name__
        raise PromptInvalidError(
            f"prompt() of {agent.name} returned {said}: return a text that asks the model something"
        )
    return clean_text(prompt)
