"""The console: one module per model. Records are read here and changed only through named verbs."""

from runs.admin import (
    api_token,
    artifact,
    definition,
    gate,
    line,
    pending_action,
    run,
    site,
    tenant,
    worker,
)

__all__ = [
    "api_token",
    "artifact",
    "definition",
    "gate",
    "line",
    "pending_action",
    "run",
    "site",
    "tenant",
    "worker",
]
