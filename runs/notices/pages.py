"""The address of a page of the console, as a mail links to it."""

from typing import Any

from django.urls import NoReverseMatch, reverse

from runs.conf import conf


def page_of(model: str, pk: Any) -> str:
    """Write the address of a record's page; nothing where a project has no console. Shape: `model` in lower case."""
    try:
        path = reverse(f"admin:runs_{model}_change", args=[pk])
    except NoReverseMatch:
        return ""
    return conf().site_url.rstrip("/") + path
