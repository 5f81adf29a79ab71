"""An admin site that is only the console: its groups, its look, and no page that bypasses the database.

Other projects keep their own site and add the pages of runs to it.
"""

from typing import Any

from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.admin.apps import AdminConfig
from django.http import HttpRequest

# Their pages let people enter dotted paths (django-q), or requeue jobs and empty queues behind the database (RQ).
UNSAFE_APPS = ("django_q", "django_rq")


class ConsoleConfig(AdminConfig):
    """Django's admin with the console as its default site; replaces `django.contrib.admin` in `INSTALLED_APPS`."""

    default_site = "agentops.console.ConsoleSite"


class ConsoleSite(AdminSite):
    """Gives every page the console's look, and lists it in its groups."""

    site_header = "agentops"
    site_title = "agentops"
    index_title = "Console"
    site_url = None

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Register models, except those of apps with unsafe pages; show lists and forms as the console does.

        A list accepts only the filters that it offers.
        """
        from runs.admin.kit.lists import ShownOnlyAdmin

        given = admin_class or ModelAdmin
        if not issubclass(given, ShownOnlyAdmin):
            admin_class = type(given.__name__, (ShownOnlyAdmin, given), {"__module__": given.__module__})
        models = model_or_iterable if isinstance(model_or_iterable, list | tuple) else [model_or_iterable]
        safe = [model for model in models if model._meta.app_label not in UNSAFE_APPS]
        super().register(safe, admin_class, **options)
        for page in (self._registry[model] for model in safe if model in self._registry):
            for kind in ("change_list", "change_form"):
                if getattr(page, f"{kind}_template") is None:
                    setattr(page, f"{kind}_template", _templates(page.opts, kind))

    def get_urls(self) -> list[Any]:
        """Leave out Django's link to a row's public page: no row has one, and it crashes on models without a table."""
        return [one for one in super().get_urls() if getattr(one, "name", "") != "view_on_site"]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Mark for the templates that the site already has the console's look."""
        return super().each_context(request) | {"is_console": True}

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """List all pages by group; on the page of one app, list its pages under its name."""
        from runs.admin.site import badge_of, in_groups, in_order

        listed: list[Any] = super().get_app_list(request, app_label)
        for app in listed:
            for model in app["models"]:
                model["badge"] = badge_of(model["object_name"], request)
        return in_order(listed) if app_label else in_groups(listed)


def _templates(opts: Any, kind: str) -> list[str]:
    """List the templates that Django tries, with the console's page as the last instead of Django's."""
    own = f"admin/{opts.app_label}"
    return [f"{own}/{opts.model_name}/{kind}.html", f"{own}/{kind}.html", f"admin/runs/{kind}.html"]
