"""How values are written for people: money, durations, JSON. Pure; long values are cut here."""

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString

from runs.hostile import cut

VALUE_MAX_CHARS = 20_000
_SMALLEST_USD = Decimal("0.0001")


def money(value: Decimal | None) -> str:
    """Write an amount of USD with four decimals, so that columns align."""
    if value is None:
        return "no limit"
    if 0 < value < _SMALLEST_USD:
        return f"<${_SMALLEST_USD}"
    return f"${value:,.4f}"


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


def short(value: Any) -> str:
    """Shorten an id to the eight characters by which people tell it."""
    return str(value)[:8]
