"""The app: installed when `AGENTOPS_CHAOS` names the socket of a ledger."""

from django.apps import AppConfig


class ChaosConfig(AppConfig):
    """The job types that `chaos` runs."""

    name = "agentops.lab.chaos"
    label = "chaos"
    verbose_name = "Chaos"
