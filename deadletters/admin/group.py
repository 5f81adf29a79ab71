"""The console's pages of causes: the list that comes first, and a page for each."""

from collections.abc import Collection, Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from deadletters.admin.formatting import history, sparkline, utc
from deadletters.admin.letter_page import word_for
from deadletters.admin.scope import causes_seen, tenants_seen
from deadletters.admin.verbs import OF_GROUPS, DecidedAdmin
from deadletters.group_decisions import check_may_decide, tenants_of
from deadletters.models import DeadLetter, GroupState, LetterGroup
from deadletters.stats import GroupStats, shared_beyond, stats_of, with_own_times
from runs.admin.kit import formatting
from runs.admin.kit.lists import Column, badge_column
from runs.admin.kit.read_only import FilledAdmin
from runs.errors import NotPermittedError

NAMES_SHOWN = 3
LETTERS_SHOWN = 25


def _most(counts: dict[str, int]) -> str:
    names = sorted(counts, key=lambda name: -counts[name])
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return ", ".join(names[:NAMES_SHOWN]) + more


@admin.register(LetterGroup)
class LetterGroupAdmin(DecidedAdmin[LetterGroup], FilledAdmin[LetterGroup]):
    """Read causes and decide about them."""

    list_display = (
        "status", "job_type", "error_class", "text", "letters_seen", "trend", "first", "last", "tenants", "versions",
        "looked_after_by",
    )  # fmt: skip
    list_display_links = ("job_type", "error_class")
    list_filter = ("state", "job_type", "error_class")
    list_select_related = ("assignee",)
    list_per_page = 50
    search_fields = ("fingerprint", "error_class", "message", "job_type", "step_name")
    form_verbs = OF_GROUPS
    empty_state = "No causes: no run has failed for good. Failures with the same cause appear here as one row."
    hint = "Failures that differ in ids and numbers only are one cause."

    status = badge_column("state", lambda group: group.state, ordering="state")
    text = Column("message", lambda group: formatting.clipped(group.message))
    letters_seen = Column("letters", lambda group: f"{group.stats.count:,}")
    trend = Column("last 24 h", lambda group: sparkline(group.stats.trend))
    first = Column("first (UTC)", lambda group: formatting.minute(group.stats.first_seen), ordering="own_first_seen")
    last = Column("last (UTC)", lambda group: formatting.minute(group.stats.last_seen), ordering="own_last_seen")
    tenants = Column("tenants", lambda group: _most(group.stats.tenants))
    versions = Column("versions", lambda group: _most({name: n for name, n in group.stats.versions.items() if name}))
    # Hidden where the cause is shared with tenants that the user cannot see.
    looked_after_by = Column(
        "assignee", lambda group: "" if group.is_shared else str(group.assignee or ""), ordering="assignee"
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[LetterGroup]:
        """Select causes that the user's tenants met; superusers see all."""
        causes = with_own_times(causes_seen(request, LetterGroup.objects.all()), tenants_seen(request))
        return causes.order_by(*self.get_ordering(request))

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """Order by the latest failure among the visible dead letters."""
        return ("-own_last_seen",)

    def get_sortable_by(self, request: HttpRequest) -> list[Any]:
        """Exclude the assignee, which is hidden for shared causes: the order would reveal it."""
        hidden = () if request.user.is_superuser else ("looked_after_by",)
        return [name for name in self.list_display if name not in hidden]

    def fill(self, request: HttpRequest, rows: Sequence[Any]) -> None:
        """Add the stats of the visible dead letters."""
        tenants = tenants_seen(request)
        stats, shared = stats_of(rows, tenants=tenants), shared_beyond(rows, tenants)
        for group in rows:
            group.stats, group.is_shared = stats[group.pk], group.pk in shared

    def page_context(self, request: HttpRequest, record: LetterGroup) -> dict[str, Any]:
        """What the group's page shows."""
        return _group_context(record, tenants=tenants_seen(request), user=request.user)

    def tenants_involved(self, record: LetterGroup) -> Collection[str]:
        """All that met the cause."""
        return tenants_of(record)


def _group_context(group: LetterGroup, *, tenants: Collection[str] | None, user: Any) -> dict[str, Any]:
    """Gather the page's values, ready to show. `tenants` are the visible ones; None means all."""
    stats = stats_of([group], tenants=tenants)[group.pk]
    is_shared = group.pk in shared_beyond([group], tenants)
    letters = DeadLetter.objects.filter(group=group).order_by("-failed_at")
    if tenants is not None:
        letters = letters.filter(tenant__in=tenants)
    return {
        "group": group,
        "status": formatting.badge_html(group.state),
        "trend": sparkline(stats.trend),
        "facts": _facts(group, stats, is_shared=is_shared),
        "breakdowns": [("Tenants", _rows(stats.tenants)), ("Versions", _rows(stats.versions))],
        "letters": [(formatting.badge_html(word_for(letter)), letter) for letter in letters[:LETTERS_SHOWN]],
        "more": f"{reverse('admin:deadletters_deadletter_changelist')}?fingerprint={group.fingerprint}",
        "history": [] if is_shared else history(group.events.select_related("user")),
        "refusal": _refusal(group, user),
    }


def _facts(group: LetterGroup, stats: GroupStats, *, is_shared: bool) -> list[tuple[str, str]]:
    rate = group.ignored_above_per_hour
    facts = [
        ("Job type", group.job_type),
        ("Step", group.step_name),
        ("Letters", f"{stats.count:,}"),
        ("First seen", utc(stats.first_seen)),
        ("Last seen", utc(stats.last_seen)),
        ("Fingerprint", group.fingerprint),
        ("Ignored until", utc(group.ignored_until)),
        ("Ignored until more than", f"{rate} letters in an hour" if rate else ""),
        ("Resolved" if group.state == GroupState.RESOLVED else "Was resolved", utc(group.resolved_at)),
    ]
    if not is_shared:  # notes and names belong to people of several tenants
        facts += [
            ("By", str(group.resolved_by or "")),
            ("Assignee", str(group.assignee or "")),
            ("Note", group.note),
        ]
    return [fact for fact in facts if fact[1]]


def _rows(counts: dict[str, int]) -> list[tuple[str, int]]:
    return [(name or "none", counts[name]) for name in sorted(counts, key=lambda name: -counts[name])]


def _refusal(group: LetterGroup, user: Any) -> str:
    """Say why this user may not decide about the cause; empty if they may."""
    try:
        check_may_decide(group, user)
    except NotPermittedError as error:
        return str(error)
    return ""
