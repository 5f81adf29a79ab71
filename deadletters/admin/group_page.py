"""What the page of a cause shows, made ready for its template."""

from collections.abc import Collection
from typing import Any

from django.urls import reverse

from deadletters.admin import look
from deadletters.admin.letter_page import word_for
from deadletters.admin.sparkline import sparkline
from deadletters.figures import Figures, figures_of, shared_beyond
from deadletters.models import DeadLetter, GroupState, LetterGroup
from deadletters.verbs.group import check_may_decide

LETTERS_SHOWN = 25


def group_context(group: LetterGroup, *, tenants: Collection[str] | None, user: Any) -> dict[str, Any]:
    """Gather everything; each value is ready to be shown. `tenants`: those that may be seen; None: all."""
    figures = figures_of([group], tenants=tenants)[group.pk]
    is_shared = group.pk in shared_beyond([group], tenants)
    letters = DeadLetter.objects.filter(group=group).order_by("-failed_at")
    if tenants is not None:
        letters = letters.filter(tenant__in=tenants)
    return {
        "group": group,
        "status": look.badge(group.state),
        "trend": sparkline(figures.trend),
        "facts": _facts(group, figures, is_shared=is_shared),
        "breakdowns": [("Tenants", _rows(figures.tenants)), ("Versions", _rows(figures.versions))],
        "letters": [_row(letter) for letter in letters[:LETTERS_SHOWN]],
        "more": f"{reverse('admin:deadletters_deadletter_changelist')}?fingerprint={group.fingerprint}",
        "history": [] if is_shared else look.history(group.events.select_related("user")),
        "refusal": _refusal(group, user),
    }


def _facts(group: LetterGroup, figures: Figures, *, is_shared: bool) -> list[tuple[str, str]]:
    rate = group.ignored_above_per_hour
    facts = [
        ("Job type", group.job_type),
        ("Step", group.step_name),
        ("Letters", f"{figures.count:,}"),
        ("First seen", look.moment(figures.first_seen)),
        ("Last seen", look.moment(figures.last_seen)),
        ("Fingerprint", group.fingerprint),
        ("Ignored until", look.moment(group.ignored_until)),
        ("Ignored until more than", f"{rate} letters in an hour" if rate else ""),
        ("Resolved" if group.state == GroupState.RESOLVED else "Was resolved", look.moment(group.resolved_at)),
    ]
    if not is_shared:  # the words and names are those of people of several tenants
        facts += [
            ("By", str(group.resolved_by or "")),
            ("Assignee", str(group.assignee or "")),
            ("Note", group.note),
        ]
    return [fact for fact in facts if fact[1]]


def _rows(counts: dict[str, int]) -> list[tuple[str, int]]:
    return [(name or "none", counts[name]) for name in sorted(counts, key=lambda name: -counts[name])]


def _row(letter: DeadLetter) -> dict[str, Any]:
    return {
        "status": look.badge(word_for(letter)),
        "href": reverse("admin:deadletters_deadletter_change", args=[letter.pk]),
        "failed": look.moment(letter.failed_at),
        "tenant": letter.tenant,
        "version": letter.version,
        "message": letter.error_message[:200],
    }


def _refusal(group: LetterGroup, user: Any) -> str:
    """Say why this user may not decide about the cause, if so."""
    try:
        check_may_decide(group, user)
    except Exception as error:
        return look.refusal(error)
    return ""
