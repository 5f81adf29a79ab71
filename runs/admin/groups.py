"""The groups of the console's pages: which page stands where, in the sidebar and on the index."""

from typing import Any

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

_ORDER = [label for labels in GROUPS.values() for label in labels]

Listed = list[dict[str, Any]]
"""Shape: apps or groups as Django's admin lists them, each with its `models`; only what the user may see."""


def in_groups(apps: Listed) -> Listed:
    """Lay what the apps list out in the groups. A group has no page of its own; one without models is left out."""
    seen = {_label(app, model): model for app in apps for model in app["models"]}
    groups = [_group(name, [seen[label] for label in labels if label in seen]) for name, labels in GROUPS.items()]
    others = [{**app, "models": [model for model in app["models"] if _label(app, model) not in _ORDER]} for app in apps]
    return [group for group in (*groups, *others) if group["models"]]


def in_order(apps: Listed) -> Listed:
    """Sort the models within each app as the groups list them; what is in none comes last."""
    for app in apps:
        app["models"].sort(key=lambda model: _place(_label(app, model)))
    return apps


def _label(app: dict[str, Any], model: dict[str, Any]) -> str:
    return f"{app['app_label']}.{model['object_name']}"


def _group(name: str, models: Listed) -> dict[str, Any]:
    return {"name": name, "app_label": name.lower(), "app_url": "", "has_module_perms": True, "models": models}


def _place(label: str) -> int:
    return _ORDER.index(label) if label in _ORDER else len(_ORDER)
