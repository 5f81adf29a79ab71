"""Prepare the page of a redrive for its template."""

import json
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest
from django.utils.safestring import SafeString

from deadletters.admin.formatting import utc
from deadletters.models import ItemState, Redrive, RedriveStatus
from deadletters.redrive.actions import held_by, reasons_of
from runs.admin.kit.formatting import badge_html, money

ITEMS_PER_PAGE = 100
_OWN_LOOKS = {  # where the console's generic words are too weak
    RedriveStatus.PAUSED: ("!", "ask"),
    RedriveStatus.STOPPED: ("✕", "bad"),
}
_FIGURES = ("pending", "sent", "in_flight", "completed", "failed", "cancelled", "excluded", "skipped")
_WORDS = {"in_flight": "under way", "failed": "failed again"}


def badge_of(redrive: Redrive) -> SafeString:
    """Show the status, with an icon beside its text."""
    return badge_html(redrive.status, look=_OWN_LOOKS.get(RedriveStatus(redrive.status)))


def page_context(request: HttpRequest, redrive: Redrive) -> dict[str, Any]:
    """Gather the page's values, ready to show."""
    return {
        "redrive": redrive,
        "status": badge_of(redrive),
        "held_by": held_by(redrive),
        "to_send": redrive.pending + redrive.sent,
        "figures": [(_WORDS.get(name, name), getattr(redrive, name)) for name in _FIGURES],
        "facts": _facts(redrive),
        "reasons": reasons_of(redrive),
        "events": redrive.events.all(),
        **_items(request, redrive),
    }


def _facts(redrive: Redrive) -> list[tuple[str, str]]:
    rate = f"{redrive.rate_per_s:g} a second, at most {redrive.concurrency} under way"
    care = f"{redrive.canary} first; stops above {redrive.stop_above_percent} % failures"
    facts = [
        ("Letters", selection_of(redrive)),
        ("Tenant", redrive.tenant or "several"),
        ("Rate", rate),
        ("Canary", care),
        ("Estimated cost", money(redrive.estimated_cost_usd)),
        ("Planned", f"{utc(redrive.planned_at)} by {redrive.planned_by.get_username()}"),
        ("Started", utc(redrive.started_at)),
        ("Ended", utc(redrive.ended_at)),
        ("Matched, but left out", f"{redrive.left_out}: plan another for them" if redrive.left_out else ""),
    ]
    return [fact for fact in facts if fact[1]]


def selection_of(redrive: Redrive) -> str:
    """Describe the selection in words."""
    given: dict[str, Any] = json.loads(redrive.selection)
    chosen = given.pop("chosen", 0)
    words = [f"{name.replace('_', ' ')} {value}" for name, value in given.items()]
    words += [f"{chosen} chosen"] if chosen else []
    return ", ".join(words) or "all that were open"


def _items(request: HttpRequest, redrive: Redrive) -> dict[str, Any]:
    """Return one page of the dead letters, of one state if the address names one."""
    state = request.GET.get("state", "")
    items = redrive.items.select_related("letter")
    if state in ItemState.values:
        items = items.filter(state=state)
    page = Paginator(items, ITEMS_PER_PAGE).get_page(request.GET.get("page"))
    return {"page": page, "states": ItemState.values, "state": state}
