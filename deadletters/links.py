"""Addresses of pages of the console, as mails carry them: whole, in every process."""

from typing import Any

from django.conf import settings
from django.urls import NoReverseMatch, get_script_prefix, reverse

from deadletters.conf import letters_conf


def page_address(name: str, pk: Any) -> str:
    """Write the address of a record's page; empty where a project has no console.

    A thread of a worker does not know the prefix below which the site is served; the settings do.
    """
    try:
        path: str = reverse(f"admin:{name}_change", args=[pk])
    except NoReverseMatch:
        return ""
    below_prefix = path.removeprefix(get_script_prefix())
    return f"{letters_conf().site_url.rstrip('/')}{(settings.FORCE_SCRIPT_NAME or '').rstrip('/')}/{below_prefix}"
