"""The app: installed when `AGENTOPS_WORKLOAD` names a folder."""

from django.apps import AppConfig


class WorkloadConfig(AppConfig):
    """The agent that replays recorded conversations."""

    name = "agentops.examples.workload"
    label = "workload"
    verbose_name = "Recorded workload"
