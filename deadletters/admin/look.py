"""How values are written on the pages of dead letters."""

import json
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.exceptions import ObjectDoesNotExist
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from deadletters.models import LetterEvent

TEXT_MAX_CHARS = 20_000
_LOOKS = {
    "open": ("!", "ask"),
    "assigned": ("!", "ask"),
    "done": ("✓", "good"),
    "replayed": ("✓", "good"),
    "discarded": ("—", "off"),
    "resolved": ("✓", "good"),
    "ignored": ("—", "off"),
    "regressed": ("↻", "bad"),
}


def badge(word: str) -> SafeString:
    """Show a status, with an icon beside its text."""
    icon, tone = _LOOKS.get(word, ("·", "off"))
    look = '<span class="status status--{}"><span class="status-icon" aria-hidden="true">{}</span>{}</span>'
    return format_html(look, tone, icon, word)


def money(value: Decimal) -> str:
    """Write an amount of USD."""
    return f"${value:,.4f}"


def moment(at: datetime | None) -> str:
    """Write a time, in UTC."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if at else ""


def minute(at: datetime | None) -> str:
    """Write a time for a narrow column, in UTC."""
    return f"{at:%Y-%m-%d %H:%M}" if at else ""


def run_href(run_id: UUID | None) -> str:
    """Find the address of a run's page; empty where nobody shows runs."""
    try:
        return reverse("admin:runs_run_change", args=[run_id]) if run_id else ""
    except NoReverseMatch:
        return ""


def refusal(error: Exception) -> str:
    """Say why it was refused. Refusals of any app carry a stable `code`; anything else is a bug and goes on."""
    if isinstance(error, ObjectDoesNotExist):
        return "the run is gone"
    if not isinstance(getattr(error, "code", None), str):
        raise error
    return str(error)


def shortened(text: str) -> str:
    """Cut a long text, and say so."""
    if len(text) <= TEXT_MAX_CHARS:
        return text
    return f"{text[:TEXT_MAX_CHARS]}\n… [cut: {len(text):,} characters in all]"


def pretty(text: str) -> str:
    """Write JSON with indents; what is none stays as it is."""
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
    """List what was done with it. Shape: time, verb, by whom, what was said."""
    return [
        (
            moment(event.at),
            event.verb,
            str(event.user or ""),
            "; ".join(f"{name}: {value}" for name, value in json.loads(event.data).items()),
        )
        for event in events
    ]
