"""Addresses of pages of the console, as mails carry them: whole, in every process."""

from typing import Any

from django.conf import settings
from django.urls import NoReverseMatch, get_script_prefix, reverse

from runs.conf import conf


def page_of(model: str, pk: Any, *, app: str = "runs") -> str:
    """Write the address of a record's page; empty where a project has no console. Shape: `model` in lower case.

    A thread of a worker does not know the prefix below which the site is served; the settings do.
    """
    try:
        path: str = reverse(f"admin:{app}_{model}_change", args=[pk])
    except NoReverseMatch:
        return ""
    below_prefix = path.removeprefix(get_script_prefix())
    return f"{conf().site_url.rstrip('/')}{(settings.FORCE_SCRIPT_NAME or '').rstrip('/')}/{below_prefix}"
