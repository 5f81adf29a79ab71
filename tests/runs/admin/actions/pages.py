"""Addresses and words of the pages on which people decide."""

from html import unescape

from django.urls import reverse

LIST = "/admin/runs/pendingaction/"


def page_of(action):
    return reverse("admin:runs_pendingaction_change", args=[action.pk])


def verb_of(action, verb):
    return reverse(f"admin:runs_pendingaction_{verb}", args=[action.pk])


def texts(response):
    return " ".join(str(message) for message in response.context["messages"])


def text_of(client, address, data=None):
    return unescape(client.get(address, data).content.decode())
