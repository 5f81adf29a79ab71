"""The numbers in the sidebar: how much waits for people. Read once in a few seconds for each person."""

from typing import Any

from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.db.models import IntegerField, QuerySet, Subquery
from django.http import HttpRequest

from deadletters.admin.scope import causes_seen
from deadletters.models import GroupState, LetterGroup
from runs.admin.scope import tenants_of
from runs.models import PendingAction
from runs.states import ActionStatus

KEPT_S = 5
SHOWN_MAX = 99

_UNSOLVED = (GroupState.OPEN, GroupState.REGRESSED)


class _CountOf(Subquery):
    """How many rows a query has, as a part of another one."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"
    output_field = IntegerField()


def badge_of(model: str, request: HttpRequest) -> str:
    """Say how many rows of a model wait for a person; empty if none, or if nobody is asked about them."""
    if model not in ("PendingAction", "LetterGroup"):
        return ""
    counts = cache.get_or_set(f"runs.sidebar.{request.user.pk}", lambda: _counts(request), KEPT_S) or {}
    count = counts.get(model, 0)
    return f"{SHOWN_MAX}+" if count > SHOWN_MAX else str(count or "")


def _counts(request: HttpRequest) -> dict[str, int]:
    """Count what waits, by model, in one query and no further than is shown."""
    if request.user.pk is None:
        return {}
    waiting = {"PendingAction": _open_actions(request), "LetterGroup": _unsolved_causes(request)}
    counts = {model: _CountOf(rows.order_by().values("pk")[: SHOWN_MAX + 1]) for model, rows in waiting.items()}
    one_row = get_user_model()._default_manager.filter(pk=request.user.pk)
    return dict(zip(counts, one_row.values_list(*counts.values()).get(), strict=True))


def _open_actions(request: HttpRequest) -> QuerySet[Any]:
    actions = PendingAction.objects.filter(status=ActionStatus.OPEN)
    return actions if request.user.is_superuser else actions.filter(tenant__in=tenants_of(request))


def _unsolved_causes(request: HttpRequest) -> QuerySet[Any]:
    return causes_seen(request, LetterGroup.objects.filter(state__in=_UNSOLVED))
