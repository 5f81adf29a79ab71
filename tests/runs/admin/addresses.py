"""Every address of the admin, as its resolver knows them, with ids that are none."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from django.contrib import admin
from django.contrib.admin.utils import quote as as_id
from django.urls import URLPattern, URLResolver, get_resolver

_PLACE = re.compile(r"<(?:\w+:)?\w+>|\(\?P<\w+>[^)]*\)")
IDS = ["9" * 40, "9" * 5000, "x" * 3000, "0" * 32, "a\x00b", "\x00", "\n", " ", "\u00b2", "\u0661", "é", "🐍"]
IDS += "1/1 abc -1 %00 _00 _ .. 1.5 nan 00000000-0000-0000-0000-00000000000z <b> {x}".split()
RAW = ["%ff", "%ed%a0%80", "%25%30%30", "%2e%2e%2f"]  # what no text is quoted as
PAGES = {f"admin/{page.opts.app_label}/{page.opts.model_name}/": page for page in admin.site._registry.values()}


def routes() -> list[str]:
    """Every pattern below `/admin/`; not the one that ends the session."""
    return [
        route for route in _routes(get_resolver().url_patterns) if route.startswith("admin/") and "logout" not in route
    ]


def page_of(route: str) -> Any:
    """The page of a model to which a route belongs; None for those of the site."""
    return next((page for start, page in PAGES.items() if route.startswith(start)), None)


def malformed(route: str) -> Iterator[str]:
    """The addresses of a route with every id that is none, in each of its places."""
    for place in _PLACE.finditer(route):
        for text in [*(quote(one, safe="/") for one in IDS), *RAW]:
            yield "/" + _PLACE.sub("1", route[: place.start()]) + text + _tidy(_PLACE.sub("1", route[place.end() :]))


def real(route: str) -> str:
    """The address of the first row there is."""
    page = page_of(route)
    key = page.model._default_manager.values_list("pk", flat=True).first() if page else None
    text = "runs" if key is None else quote(as_id(str(key)))
    return "/" + _tidy(_PLACE.sub(lambda _: text, route))


def _tidy(route: str) -> str:
    return route.replace("^", "").replace("$", "")


def _routes(patterns: list[Any], before: str = "") -> Iterator[str]:
    for one in patterns:
        route = before + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from _routes(one.url_patterns, route)
        elif isinstance(one, URLPattern):
            yield route
