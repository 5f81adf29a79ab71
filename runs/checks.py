"""System checks: wrong declarations and settings fail at start-up and say what to write instead."""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as CheckWarning
from django.core.exceptions import ImproperlyConfigured
from django.urls import URLPattern, URLResolver, get_resolver

from runs.conf import conf
from runs.declarations.catalog import job_types, refused
from runs.declarations.job_types import Agent
from runs.declarations.options import nearest
from runs.engine.prices import is_listed, listed_models
from runs.sanitize import clean
from runs.storable import storable


@register()
def check_declarations(**_: Any) -> list[CheckMessage]:
    """E001: an agent, job or tool is declared wrongly."""
    return [Error(str(error), hint=error.hint, id="runs.E001") for error in refused()]


@register()
def check_prompts(**_: Any) -> list[CheckMessage]:
    """W010: an agent's text for the model holds a secret, which is removed before it is stored and sent."""
    return [
        CheckWarning(
            f"agent {agent.name!r}: its prompt, or a tool's description, holds what is, or looks like, a secret",
            hint="Leave it out: it is neither stored nor sent. A tool reads a secret by context.secret.",
            id="runs.W010",
        )
        for agent in job_types()
        if isinstance(agent, Agent)
        and storable(told := [agent.system, [tool.definition for tool in agent.tools]]) != clean(told)
    ]


@register()
def check_queues(**_: Any) -> list[CheckMessage]:
    """E002: a job type names a queue that does not exist."""
    known = getattr(settings, "RQ_QUEUES", None) or {}
    return [
        Error(
            f"job type {job_type.name!r} names the queue {job_type.queue!r}, which does not exist",
            hint=f"{_meant(job_type.queue, known)}Choose one of {', '.join(known)}, or add it to RQ_QUEUES.",
            id="runs.E002",
        )
        for job_type in job_types()
        if known and job_type.queue not in known
    ]


@register()
def check_addresses(**_: Any) -> list[CheckMessage]:
    """E006: pages of django-rq are mounted; they import and call what Redis contains."""
    mounted = sorted({view for view in _views(get_resolver().url_patterns) if view.startswith("django_rq.")})
    if not mounted:
        return []
    return [
        Error(
            f"the addresses of this project lead to {', '.join(mounted[:3])}{', …' if len(mounted) > 3 else ''}",
            hint="Anybody who can write to Redis could run code through these pages. Remove `django_rq.urls` and its "
            "admin page; the console shows queues and workers. If nobody else can write to your Redis, silence this.",
            id="runs.E006",
        )
    ]


def _views(patterns: Iterable[URLPattern | URLResolver]) -> Iterator[str]:
    """Name each view by module and name, whatever decorates it."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _views(pattern.url_patterns)
        else:
            yield f"{getattr(pattern.callback, '__module__', '')}.{getattr(pattern.callback, '__name__', '')}"


@register()
def check_prices(**_: Any) -> list[CheckMessage]:
    """W001: an agent asks a model that is not on the price list: misspelt, or priced by an operator's row."""
    return [
        CheckWarning(
            f"agent {agent.name!r} asks the model {agent.model!r}, which is not on the price list",
            hint=f"{_meant(agent.model, listed_models())}No run asks a model without a price: add one in the console "
            "under Prices, and then silence runs.W001; or update genai-prices.",
            id="runs.W001",
        )
        for agent in job_types()
        if isinstance(agent, Agent) and not is_listed(agent.model, date.today())
    ]


def _meant(name: str, known: Iterable[str]) -> str:
    near = nearest(name, known)
    return f"Did you mean {near}? " if near else ""


@register()
def check_settings(**_: Any) -> list[CheckMessage]:
    """E003 to E005: the AGENTOPS block has unknown names, or durations that cannot work together."""
    try:
        values = conf()
    except ImproperlyConfigured as error:
        return [Error(str(error), hint="See docs/configuration.md.", id="runs.E003")]
    if values.lease_s < 3 * values.heartbeat_s:
        return [
            Error(
                f"lease_s ({values.lease_s}) is shorter than three heartbeats ({values.heartbeat_s} s each)",
                hint="A worker that is merely slow would lose its runs. Raise lease_s.",
                id="runs.E004",
            )
        ]
    most = {"batch_max_calls": 100_000, "batch_max_bytes": 256 * 1024 * 1024}  # the provider's own
    return [
        Error(
            f"{name} is {getattr(values, name)}; a message batch takes from 1 to {limit}",
            hint="Leave it out for its default.",
            id="runs.E005",
        )
        for name, limit in most.items()
        if not 1 <= getattr(values, name) <= limit
    ]
