"""Full addresses of console pages for mails, the same in every process."""

from typing import Any

from django.conf import settings
from django.urls import NoReverseMatch, get_script_prefix, reverse

from runs.conf import conf


def page_of(model: str, pk: Any, *, app: str = "runs") -> str:
    """Build the address of a record's page; empty if the project has no console. Shape: `model` in lower case.

    A worker thread does not know the path prefix of the site, so it comes from the settings.
    """
    try:
        path: str = reverse(f"admin:{app}_{model}_change", args=[pk])
    except NoReverseMatch:
        return ""
    below_prefix = path.removeprefix(get_script_prefix())
    return f"{conf().site_url.rstrip('/')}{(settings.FORCE_SCRIPT_NAME or '').rstrip('/')}/{below_prefix}"
