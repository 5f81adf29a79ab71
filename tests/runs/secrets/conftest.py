import dataclasses

import pytest

from runs.declarations.catalog import job_type_named
from runs.secrets import known
from tests.runs.api.conftest import *  # noqa: F403 (the client, and runs in every state)
from tests.runs.secrets.canary import KNOWN


@pytest.fixture
def canary(monkeypatch):
    """Make the canary a secret of this installation."""
    monkeypatch.setenv("AGENTOPS_SECRET_CANARY", KNOWN)
    known.cache_clear()


@pytest.fixture(autouse=True)
def _fresh_lease(settings):
    settings.AGENTOPS = {**settings.AGENTOPS, "lease_s": 600.0}  # nobody beats here, and a busy machine takes its time


@pytest.fixture
def tool_does(monkeypatch):
    """Let a tool of the clerk do something else."""

    def does(name, function, **options):
        tools = job_type_named("clerk").tools_by_name
        monkeypatch.setitem(tools, name, dataclasses.replace(tools[name], function=function, **options))

    return does
