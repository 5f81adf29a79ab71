"""The inbox: its tabs, and what a page of it reads besides the rows."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import F, QuerySet
from django.http import HttpRequest

from runs.admin.kit.tenants import operator_of
from runs.models import Approval, PendingAction
from runs.operations.actions.inbox import waiting_for
from runs.states import ActionStatus


class InboxTabs(admin.SimpleListFilter):
    """Open ones unless asked otherwise: the list is an inbox."""

    title = "inbox"
    parameter_name = "inbox"
    template = "admin/runs/pendingaction/_tabs.html"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """What else there is to see; `choices` adds the open ones."""
        return [("mine", "Mine"), ("decided", "Decided"), ("all", "All")]

    def choices(self, changelist: Any) -> Any:
        """Name the default for what it is."""
        default, *others = super().choices(changelist)
        return [{**default, "display": "Open"}, *others]

    def queryset(self, request: HttpRequest, queryset: QuerySet[PendingAction]) -> QuerySet[PendingAction]:
        """Filter the list."""
        match self.value():
            case "all":
                return queryset
            case "mine":
                return waiting_for(queryset, operator_of(request))
            case "decided":
                return queryset.exclude(status=ActionStatus.OPEN)
            case _:
                return queryset.filter(status=ActionStatus.OPEN)


def count_approvals(actions: Sequence[Any]) -> None:
    """Read who has agreed to each, where one is not enough."""
    given = Counter(
        Approval.objects.filter(
            action__in=[action.pk for action in actions if action.approvals_needed > 1],
            bound_hash=F("action__bound_hash"),
        ).values_list("action", flat=True)
    )
    for action in actions:
        action.approvals_given = given[action.pk]
