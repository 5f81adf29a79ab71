"""The admin site itself: its name, what every page knows, and which foreign pages are taken away."""

from importlib import import_module
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.http import HttpRequest

from runs.admin.groups import Listed, in_groups, in_order
from runs.admin.sidebar import badge_of
from runs.conf import conf

# Their pages let people write dotted paths (django-q) or requeue and empty queues behind the database (RQ).
UNSAFE_APPS = ("django_q", "django_rq")


def take_away(app_label: str) -> None:
    """Unregister all admin pages of an app, whether its admin module was loaded already or not."""
    if not apps.is_installed(app_label):
        return
    import_module(f"{app_label}.admin")  # it registers now, so that it cannot do so later
    for model in [model for model in admin.site._registry if model._meta.app_label == app_label]:
        admin.site.unregister(model)


def _with_offline_model(each_context: Any) -> Any:
    def context_of(request: HttpRequest) -> dict[str, Any]:
        return {**each_context(request), "offline_model": conf().offline_model}

    return context_of


def _in_our_groups(get_app_list: Any) -> Any:
    """All pages are listed in the groups; those of one app, on its own page, below its name."""

    def list_of(request: HttpRequest, app_label: str | None = None) -> Listed:
        listed: Listed = get_app_list(request, app_label)
        for app in listed:
            for model in app["models"]:
                model["badge"] = badge_of(model["object_name"], request)
        return in_order(listed) if app_label else in_groups(listed)

    return list_of


for label in UNSAFE_APPS:
    take_away(label)

admin.site.site_header = "agentops"
admin.site.site_title = "agentops"
admin.site.index_title = "Console"
admin.site.site_url = None
# Wrapped rather than subclassed: the site object exists before any app's admin module is loaded.
admin.site.get_app_list = _in_our_groups(admin.site.get_app_list)  # type: ignore[method-assign]
admin.site.each_context = _with_offline_model(admin.site.each_context)  # type: ignore[method-assign]
