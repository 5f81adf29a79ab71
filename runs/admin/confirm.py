"""Asking before what cannot be undone. No script: the first POST shows a page, whose button posts the same again."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.admin import ModelAdmin
from django.http import HttpRequest
from django.template.response import TemplateResponse

from runs.admin.scope import M

SHOWN = 20  # things that are named; the rest is counted
_CONFIRMED = "confirmed"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked before a verb, and the button that says yes."""

    title: str
    text: str
    button: str


def is_confirmed(request: HttpRequest) -> bool:
    """Say whether the person has pressed the button of the page that asks."""
    return _CONFIRMED in request.POST


def ask(
    request: HttpRequest, admin: "ModelAdmin[M]", question: Question, *, about: Sequence[object], back: str
) -> TemplateResponse:
    """Show the page that asks; it repeats what was posted."""
    posted = [(name, value) for name, values in request.POST.lists() for value in values]
    context = {
        **admin.admin_site.each_context(request),
        "opts": admin.opts,
        "title": question.title,
        "question": question,
        "about": [str(one) for one in about[:SHOWN]],
        "more": max(0, len(about) - SHOWN),
        "posted": [*((n, v) for n, v in posted if n not in ("csrfmiddlewaretoken", "index")), (_CONFIRMED, "yes")],
        "back": back,
    }
    return TemplateResponse(request, "admin/runs/confirm.html", context)
