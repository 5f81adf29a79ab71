"""How values are written for people: statuses, money, durations, times, JSON. Pure; long values are cut here."""

import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString

from runs.sanitize import cut

VALUE_MAX_CHARS = 20_000
_SMALLEST_USD = Decimal("0.0001")
_CENT = Decimal("0.01")
_CLIPPED_CHARS = 160  # more than any column is wide
_POINTED_AT_CHARS = 1000

# By icon and tone (idle, busy, ask: a person is needed, good, bad, off): the statuses that look so.
_STATUSES = {
    ("◷", "idle"): ("scheduled", "to_come"),
    ("○", "idle"): ("queued", "planned", "formed"),
    ("…", "idle"): ("waiting", "waiting_for_children", "waiting_for_batch"),
    ("▂", "idle"): ("low",),
    ("●", "busy"): ("running", "started", "in_progress"),
    ("↻", "busy"): ("retrying", "sending"),
    ("↓", "busy"): ("draining",),
    ("!", "ask"): ("waiting_for_confirmation", "open", "silent", "suspended", "open circuit", "full", "assigned"),
    ("?", "ask"): ("unknown",),
    ("‖", "ask"): ("paused",),
    ("▄", "ask"): ("medium",),
    ("✓", "good"): (
        "completed",
        "approved",
        "answered",
        "resolved",
        "alive",
        "valid",
        "active",
        "holds",
        "restored",
        "closed circuit",
        "sent",
        "collected",
        "in_force",
        "done",
        "replayed",
    ),
    ("✕", "bad"): ("failed", "rejected", "lost", "given up"),
    ("█", "bad"): ("high",),
    ("↻", "bad"): ("regressed",),
    ("—", "off"): (
        "skipped",
        "cancelled",
        "expired",
        "stopped",
        "revoked",
        "off",
        "ended",
        "used up",
        "not_made",
        "switched_off",
        "discarded",
        "ignored",
        "aborted",
    ),
}
_LOOKS = {status: look for look, statuses in _STATUSES.items() for status in statuses}


@dataclass(frozen=True, slots=True)
class Badge:
    """A status as it is shown."""

    icon: str
    tone: str
    label: str


def badge(status: str, look: tuple[str, str] | None = None) -> Badge:
    """Look a status up; one without an entry is still shown by its text. `look` is an icon and a tone of its own."""
    icon, tone = look or _LOOKS.get(status, ("·", "off"))
    return Badge(icon, tone, status.replace("_", " "))


def badge_html(status: str, look: tuple[str, str] | None = None) -> SafeString:
    """Show a status in a column of a list."""
    shown = badge(status, look)
    return format_html(
        '<span class="status status--{}"><span class="status-icon" aria-hidden="true">{}</span>{}</span>',
        shown.tone,
        shown.icon,
        shown.label,
    )


def money(value: Decimal | None) -> str:
    """Write an amount of USD with four decimals, so that columns align."""
    if value is None:
        return "no limit"
    if 0 < value < _SMALLEST_USD:
        return f"<${_SMALLEST_USD}"
    return f"${value:,.4f}"


def amount(value: Decimal) -> str:
    """Write an amount to be edited: with two decimals, and more only if it has them."""
    return _plain(value).replace(",", "")


def dollars(value: Decimal) -> str:
    """Write an amount that a call moves: as people write money, with more decimals only if it has them."""
    return f"${_plain(value)}"


def _plain(value: Decimal) -> str:
    return f"{value:,.2f}" if value == round(value, 2) else f"{value.normalize():,f}"


def cents(value: Decimal) -> str:
    """Write an amount of USD where cents say enough."""
    return "<$0.01" if 0 < value < _CENT else f"${value:,.2f}"


def seconds(value: float) -> str:
    """Write a duration in its two largest units. Units: seconds."""
    if value < 10:
        return f"{max(value, 0):.1f} s"
    if value < 60:
        return f"{value:.0f} s"
    whole = int(value)
    for unit, below, smaller, span in (("d", 86400, "h", 3600), ("h", 3600, "m", 60)):
        if whole >= below:
            return f"{whole // below} {unit} {whole % below // span} {smaller}"
    return f"{whole // 60} m {whole % 60:02d} s"


def duration(begin: datetime | None, end: datetime | None, *, now: datetime) -> str:
    """Write how long something took, or takes so far."""
    return seconds(((end or now) - begin).total_seconds()) if begin else ""


def minute(at: datetime | None) -> str:
    """Write a time for a narrow column, in UTC."""
    return f"{at:%Y-%m-%d %H:%M}" if at else ""


def moment(at: datetime | None) -> str:
    """Write a time, in UTC."""
    return f"{at:%Y-%m-%d %H:%M:%S}" if at else ""


def shortened(text: Any) -> str:
    """Cut a long text, and say so."""
    return cut(str(text), VALUE_MAX_CHARS)


def pretty(value: Any) -> str:
    """Write a JSON value with indents, cut when long."""
    return shortened(json.dumps(value, ensure_ascii=False, indent=2))


def pretty_text(text: str) -> str:
    """Write a text; one that is a JSON object or list gets indents."""
    if len(text) <= VALUE_MAX_CHARS and text[:1] in ("{", "["):
        try:
            return pretty(json.loads(text))
        except (ValueError, RecursionError):
            pass
    return shortened(text)


def block(text: str) -> SafeString:
    """Show a text as it is, in monospace."""
    return format_html('<pre class="code" tabindex="0">{}</pre>', shortened(text))


def mono(text: str) -> SafeString:
    """Show an id or another short code in monospace."""
    return format_html('<span class="mono">{}</span>', text)


def clipped(text: str) -> SafeString:
    """Show the beginning of a text in a narrow column, and all of it under the pointer."""
    return format_html('<span class="clip" title="{}">{}</span>', text[:_POINTED_AT_CHARS], text[:_CLIPPED_CHARS])


def short(value: Any) -> str:
    """Shorten an id to the eight characters by which people tell it."""
    return str(value)[:8]
