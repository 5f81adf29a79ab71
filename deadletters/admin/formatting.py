"""Format values on the pages of dead letters, beyond the console's kit."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from deadletters.models import LetterEvent
from runs.admin.kit.formatting import moment

_SPARK_HEIGHT = 20
_SPARK_STEP = 4


def utc(at: datetime | None) -> str:
    """Format a time, marked as UTC."""
    return f"{moment(at)} UTC" if at else ""


def run_href(run_id: UUID | None) -> str:
    """Find the address of a run's page."""
    return reverse("admin:runs_run_change", args=[run_id]) if run_id else ""


def indented(text: str) -> str:
    """Format JSON with indents, in full, since it may be edited. Other text stays as it is."""
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        return text


def effect(entry: Any) -> str:
    """Write an effect on one line."""
    if not isinstance(entry, dict):
        return str(entry)
    key = entry.get("effect_key")
    return f"step {entry.get('seq')}: {entry.get('tool')}, " + (
        f"effect key {key}" if key else "of the run it came from"
    )


def history(events: Iterable[LetterEvent]) -> list[tuple[str, str, str, str]]:
    """List the history of a dead letter. Shape: time, verb, by whom, note."""
    return [
        (
            utc(event.at),
            event.verb,
            str(event.user or ""),
            "; ".join(f"{name}: {value}" for name, value in json.loads(event.data).items()),
        )
        for event in events
    ]


def sparkline(trend: Sequence[int]) -> SafeString:
    """Draw one bar per hour, oldest first, with the numbers as text for people who cannot see it."""
    most = max(trend, default=0)
    words = f"Letters per hour in the last {len(trend)} hours: {sum(trend)} in all, at most {most} in one hour"
    # An hour with a dead letter is at least two pixels high, an empty one is a line.
    heights = [max(2, round(count / most * _SPARK_HEIGHT)) if count else 1 for count in trend]
    bars = format_html_join(
        "",
        '<rect x="{}" y="{}" width="{}" height="{}"/>',
        ((at * _SPARK_STEP, _SPARK_HEIGHT - high, _SPARK_STEP - 1, high) for at, high in enumerate(heights)),
    )
    frame = '<svg class="spark" role="img" aria-label="{}" width="{}" height="{}"><title>{}</title>{}</svg>'
    return format_html(frame, words, len(trend) * _SPARK_STEP, _SPARK_HEIGHT, words, bars)
