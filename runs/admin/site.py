"""The console as a whole: in which group a page stands, the numbers in the sidebar, and other admin sites.

The numbers say how much waits for people. They are read once in a few seconds for each person.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.db.models import IntegerField, QuerySet, Subquery
from django.http import HttpRequest

from runs.admin.kit.tenants import tenants_of
from runs.models import PendingAction
from runs.states import ActionStatus

OUR_APPS = ("runs", "deadletters")
KEPT_S = 5
SHOWN_MAX = 99

GROUPS: dict[str, tuple[str, ...]] = {
    "Operate": (
        "runs.Run",
        "runs.PendingAction",
        "deadletters.LetterGroup",
        "deadletters.DeadLetter",
        "deadletters.Redrive",
        "runs.MessageBatch",
        "runs.Artifact",
    ),
    "Capacity": (
        "runs.Worker",
        "runs.QueueLane",
        "runs.Limit",
        "runs.Pause",
        "runs.RateLimit",
        "runs.CircuitBreaker",
        "runs.Budget",
        "runs.Price",
    ),
    "Automate": ("runs.Definition",),
    "Govern": (
        "runs.ApprovalPolicy",
        "runs.ApprovalRule",
        "runs.RevokedTool",
        "runs.Tenant",
        "runs.Membership",
        "auth.User",
        "auth.Group",
        "runs.ApiToken",
        "runs.Mail",
    ),
}
"""The models of each group, in the order in which they are listed. What is in none follows below its app's name."""

_PLACES = {label: place for place, label in enumerate(label for labels in GROUPS.values() for label in labels)}

Listed = list[dict[str, Any]]
"""Shape: apps or groups as Django's admin lists them, each with its `models`; only what the user may see."""


def in_groups(apps: Listed) -> Listed:
    """Lay what the apps list out in the groups. A group has no page of its own; one without models is left out."""
    seen = {_label(app, model): model for app in apps for model in app["models"]}
    groups = [_group(name, [seen[label] for label in labels if label in seen]) for name, labels in GROUPS.items()]
    others = [
        {**app, "models": [model for model in app["models"] if _label(app, model) not in _PLACES]} for app in apps
    ]
    return [group for group in (*groups, *others) if group["models"]]


def in_order(apps: Listed) -> Listed:
    """Sort the models within each app as the groups list them; what is in none comes last."""
    for app in apps:
        app["models"].sort(key=lambda model: _PLACES.get(_label(app, model), len(_PLACES)))
    return apps


def _label(app: dict[str, Any], model: dict[str, Any]) -> str:
    return f"{app['app_label']}.{model['object_name']}"


def _group(name: str, models: Listed) -> dict[str, Any]:
    return {"name": name, "app_label": name.lower(), "app_url": "", "has_module_perms": True, "models": models}


Waiting = Callable[[HttpRequest], QuerySet[Any]]
"""Selects the rows of a model that wait for a person, among those that the user of the request may see."""

_waiting: dict[str, Waiting] = {}


def show_waiting(model: str, rows: Waiting) -> None:
    """Let the sidebar say how many rows of a model wait for people."""
    _waiting[model] = rows


class _CountOf(Subquery):
    """How many rows a query has, as a part of another one."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"
    output_field = IntegerField()


def badge_of(model: str, request: HttpRequest) -> str:
    """Say how many rows of a model wait for a person; empty if none, or if nobody is asked about them."""
    if model not in _waiting:
        return ""
    counts = cache.get_or_set(f"runs.sidebar.{request.user.pk}", lambda: _counts(request), KEPT_S) or {}
    count = counts.get(model, 0)
    return f"{SHOWN_MAX}+" if count > SHOWN_MAX else str(count or "")


def _counts(request: HttpRequest) -> dict[str, int]:
    """Count what waits, by model, in one query and no further than is shown."""
    if request.user.pk is None:
        return {}
    counts = {
        model: _CountOf(rows(request).order_by().values("pk")[: SHOWN_MAX + 1]) for model, rows in _waiting.items()
    }
    one_row = get_user_model()._default_manager.filter(pk=request.user.pk)
    return dict(zip(counts, one_row.values_list(*counts.values()).get(), strict=True))


def _open_actions(request: HttpRequest) -> QuerySet[Any]:
    actions = PendingAction.objects.filter(status=ActionStatus.OPEN)
    return actions if request.user.is_superuser else actions.filter(tenant__in=tenants_of(request))


show_waiting("PendingAction", _open_actions)


def add_console_to(site: admin.AdminSite) -> None:
    """Put the console's pages on an admin site of your own. On the default site they are without this."""
    for app in OUR_APPS:
        import_module(f"{app}.admin")  # its pages are to be copied too, though Django may not have loaded them yet
    for model, page in list(admin.site._registry.items()):
        if model._meta.app_label in OUR_APPS and not site.is_registered(model):
            site.register(model, type(page))
