"""The composition root as an app: its commands, and the embedded servers if no address is given."""

from django.apps import AppConfig
from django.conf import settings


class AgentopsConfig(AppConfig):
    """Demo, chaos, benchmarks and the embedded Valkey."""

    name = "agentops"

    def ready(self) -> None:
        """Let the first doorbell of a process start the embedded Valkey, if it is in use."""
        from agentops import checks  # noqa: F401 (registers the system checks)

        var = getattr(settings, "EMBEDDED_VALKEY_DIR", None)
        if var:
            from agentops.embedded.valkey import ensure_valkey
            from runs.queue.doorbell import before_first_use

            before_first_use(lambda: ensure_valkey(var))
