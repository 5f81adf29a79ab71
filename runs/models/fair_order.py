"""Runs in the order in which their tenants take turns, for sweeps that let only some of many go on."""

from django.db.models import F, Max, OuterRef, QuerySet, Subquery, Window
from django.db.models.functions import RowNumber

from runs.models.queue_lane import QueueLane
from runs.models.run import Run


def in_turn(runs: QuerySet[Run], *within: str) -> QuerySet[Run]:
    """One of each tenant, then another of each; first the tenant served longest ago. `within` orders its own."""
    turn = Window(RowNumber(), partition_by=F("tenant"), order_by=list(within))
    served = Window(Max("queue_lane__served_at"), partition_by=F("tenant"))
    return runs.select_related("queue_lane").annotate(turn=turn, served=served).order_by("turn", "served", *within)


def longest_unserved_first(runs: QuerySet[Run], *within: str) -> QuerySet[Run]:
    """Those of the tenant that was served longest ago in their queue. As `in_turn` for a first one that is locked."""
    lanes = QueueLane.objects.filter(queue=OuterRef("queue"), tenant=OuterRef("tenant")).order_by("-served_at")
    return runs.annotate(served=Subquery(lanes.values("served_at")[:1])).order_by("served", *within)
