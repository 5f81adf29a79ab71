"""The one palette of statuses: each word has an icon and a tone, and is always shown with its text."""

from dataclasses import dataclass

from django.utils.html import format_html
from django.utils.safestring import SafeString

# tone: idle, busy, ask (a person is needed), good, bad, off
_LOOKS: dict[str, tuple[str, str]] = {
    "scheduled": ("◷", "idle"),
    "queued": ("○", "idle"),
    "planned": ("○", "idle"),
    "running": ("●", "busy"),
    "started": ("●", "busy"),
    "retrying": ("↻", "busy"),
    "waiting_for_confirmation": ("!", "ask"),
    "waiting_for_children": ("…", "idle"),
    "waiting_for_batch": ("…", "idle"),
    "open": ("!", "ask"),
    "unknown": ("?", "ask"),
    "completed": ("✓", "good"),
    "approved": ("✓", "good"),
    "answered": ("✓", "good"),
    "resolved": ("✓", "good"),
    "failed": ("✕", "bad"),
    "rejected": ("✕", "bad"),
    "skipped": ("—", "off"),
    "cancelled": ("—", "off"),
    "expired": ("—", "off"),
    "alive": ("✓", "good"),
    "draining": ("↓", "busy"),
    "silent": ("!", "ask"),
    "stopped": ("—", "off"),
    "lost": ("✕", "bad"),
    "valid": ("✓", "good"),
    "revoked": ("—", "off"),
    "off": ("—", "off"),
    "ended": ("—", "off"),
    "paused": ("‖", "ask"),
    "active": ("✓", "good"),
    "suspended": ("!", "ask"),
    "low": ("▂", "idle"),
    "medium": ("▄", "ask"),
    "high": ("█", "bad"),
    "holds": ("✓", "good"),
    "used up": ("—", "off"),
    "restored": ("✓", "good"),
    "asked": ("✓", "good"),
    "shut": ("!", "ask"),
    "waiting": ("…", "idle"),
    "sent": ("✓", "good"),
    "given up": ("✕", "bad"),
    "formed": ("○", "idle"),
    "sending": ("↻", "busy"),
    "in_progress": ("●", "busy"),
    "collected": ("✓", "good"),
    "not_made": ("—", "off"),
    "in_force": ("✓", "good"),
    "to_come": ("◷", "idle"),
    "full": ("!", "ask"),
    "switched_off": ("—", "off"),
}


@dataclass(frozen=True, slots=True)
class Badge:
    """A status as it is shown."""

    icon: str
    tone: str
    label: str


def badge(status: str) -> Badge:
    """Look a status up; one without an entry is still shown by its text."""
    icon, tone = _LOOKS.get(status, ("·", "off"))
    return Badge(icon, tone, status.replace("_", " "))


def badge_html(status: str) -> SafeString:
    """Show a status in a column of a list."""
    look = badge(status)
    return format_html(
        '<span class="status status--{}"><span class="status-icon" aria-hidden="true">{}</span>{}</span>',
        look.tone,
        look.icon,
        look.label,
    )
