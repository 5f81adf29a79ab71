"""Stats of groups beyond their own rows: counts, trend, tenants and versions, of the visible dead letters."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, F, Max, Min, Q, QuerySet
from django.db.models.functions import Now, TruncHour

from deadletters.models import DeadLetter, LetterGroup

HOURS = 24


@dataclass(slots=True)
class GroupStats:
    """Stats of the visible dead letters of one group. Trend: number in each of the last 24 hours, oldest first."""

    count: int = 0
    first_seen: datetime | None = None
    last_seen: datetime | None = None
    tenants: dict[str, int] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    trend: list[int] = field(default_factory=lambda: [0] * HOURS)


def stats_of(groups: Sequence[LetterGroup], *, tenants: Collection[str] | None) -> dict[UUID, GroupStats]:
    """Gather the stats of these groups in two queries. `tenants` are the visible ones; None means all."""
    letters = DeadLetter.objects.filter(group__in=[group.pk for group in groups]).order_by()
    if tenants is not None:
        letters = letters.filter(tenant__in=tenants)
    gathered: dict[UUID, GroupStats] = defaultdict(GroupStats)
    by_version: Any = letters.values("group", "tenant", "version")
    for row in by_version.annotate(count=Count("pk"), first=Min("failed_at"), last=Max("failed_at")):
        stats = gathered[row["group"]]
        stats.count += row["count"]
        stats.first_seen = min(stats.first_seen or row["first"], row["first"])
        stats.last_seen = max(stats.last_seen or row["last"], row["last"])
        for counts, name in ((stats.tenants, row["tenant"]), (stats.versions, row["version"])):
            counts[name] = counts.get(name, 0) + row["count"]
    recent = letters.filter(failed_at__gt=Now() - timedelta(hours=HOURS))
    by_hour: Any = recent.values("group", hour=TruncHour("failed_at"))
    for row in by_hour.annotate(count=Count("pk"), now=Max(Now())):
        this_hour = row["now"].replace(minute=0, second=0, microsecond=0)
        place = HOURS - 1 - int((this_hour - row["hour"]) / timedelta(hours=1))
        if 0 <= place < HOURS:
            gathered[row["group"]].trend[place] += row["count"]
    return {group.pk: gathered[group.pk] for group in groups}


def shared_beyond(groups: Sequence[LetterGroup], tenants: Collection[str] | None) -> set[UUID]:
    """Find the groups that also hold dead letters of other tenants: their notes are not for these tenants alone."""
    if tenants is None:
        return set()
    others = DeadLetter.objects.filter(group__in=[group.pk for group in groups]).exclude(tenant__in=tenants)
    return set(others.order_by().values_list("group", flat=True).distinct())


def with_own_times(groups: QuerySet[LetterGroup], tenants: Collection[str] | None) -> QuerySet[LetterGroup]:
    """Add `own_first_seen` and `own_last_seen` of the visible dead letters: the order must not reveal others."""
    if tenants is None:
        return groups.annotate(own_first_seen=F("first_seen"), own_last_seen=F("last_seen"))
    own = Q(letters__tenant__in=tenants)
    first, last = (kind("letters__failed_at", filter=own) for kind in (Min, Max))
    return groups.annotate(own_first_seen=first, own_last_seen=last)
