"""The app: discover agents at start-up, and validate declarations."""

from importlib import import_module

import django_stubs_ext
from django.apps import AppConfig, apps
from django.utils.module_loading import module_has_submodule

django_stubs_ext.monkeypatch()  # lets admin classes name their model


class RunsConfig(AppConfig):
    """Runs of agents and jobs."""

    name = "runs"
    verbose_name = "Runs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Load every installed app's `agents.py`, as the admin loads `admin.py`."""
        from runs import checks, checks_of_project  # noqa: F401 (they register system checks)
        from runs.declarations.catalog import refuse
        from runs.errors import DeclarationError
        from runs.models.moves import when_queued
        from runs.models.redacted_columns import redact_columns
        from runs.queue.doorbell import ring

        redact_columns()
        when_queued(ring)
        for app in apps.get_app_configs():
            if app.module and module_has_submodule(app.module, "agents"):
                try:
                    import_module(f"{app.name}.agents")
                except DeclarationError as error:  # a system check, not a stack trace
                    refuse(error)
