"""Registers the agent of the folder that `AGENTOPS_WORKLOAD` names."""

from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from agentops.examples.workload.declaration import workload_agent
from agentops.examples.workload.folder import FolderError
from runs.registry import register

if not settings.AGENTOPS_WORKLOAD:
    raise ImproperlyConfigured("agentops.examples.workload needs AGENTOPS_WORKLOAD, the folder of a workload")
try:
    WorkloadAgent = register(workload_agent(Path(settings.AGENTOPS_WORKLOAD)))
except FolderError as error:
    raise ImproperlyConfigured(f"AGENTOPS_WORKLOAD: {error}") from error
