"""The admin site itself: its name, what every page knows, and which foreign pages are taken away."""

from importlib import import_module
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.http import HttpRequest

from runs.conf import conf

# Their pages let people write dotted paths (django-q) or requeue and empty queues behind the database (RQ).
UNSAFE_APPS = ("django_q", "django_rq")

APPS_IN_ORDER = ("runs", "deadletters")
MODELS_IN_ORDER = (
    "Run",
    "PendingAction",
    "Worker",
    "Line",
    "Gate",
    "Definition",
    "Artifact",
    "Tenant",
    "Membership",
    "ApiToken",
    "LetterGroup",
    "DeadLetter",
)


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


def _in_order_of_use(get_app_list: Any) -> Any:
    def list_of(request: HttpRequest, app_label: str | None = None) -> list[Any]:
        listed: list[Any] = get_app_list(request, app_label)
        for group in listed:
            group["models"].sort(key=lambda model: _place(model["object_name"], MODELS_IN_ORDER))
        return sorted(listed, key=lambda group: _place(group["app_label"], APPS_IN_ORDER))

    return list_of


def _place(name: str, order: tuple[str, ...]) -> int:
    return order.index(name) if name in order else len(order)


for label in UNSAFE_APPS:
    take_away(label)

admin.site.site_header = "agentops"
admin.site.site_title = "agentops"
admin.site.index_title = "Console"
admin.site.site_url = None
# Wrapped rather than subclassed: the site object exists before any app's admin module is loaded.
admin.site.get_app_list = _in_order_of_use(admin.site.get_app_list)  # type: ignore[method-assign]
admin.site.each_context = _with_offline_model(admin.site.each_context)  # type: ignore[method-assign]
