"""Deciding many at once: a page that shows each, then one POST."""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern

from runs.admin.actions.card import amount_of
from runs.admin.kit import formatting
from runs.admin.kit.formatting import badge
from runs.admin.kit.forms import NoteForm, add_errors
from runs.admin.kit.tenants import operator_of
from runs.admin.kit.verbs import FormVerbsAdmin
from runs.errors import InvalidInputError
from runs.models import PendingAction
from runs.operations.actions.bulk import BULK_MAX, Item, counts, decide_all, in_order, preview

_SHOWN_REASONS = 8  # the rest is counted
_DONE = {"approve": "Approved", "reject": "Rejected"}


class BulkPages(FormVerbsAdmin[PendingAction]):
    """A list whose rows are decided many at once."""

    actions = ("decide_selected",)

    def get_urls(self) -> list[URLPattern]:
        """Add the address that decides."""
        return [self.own_path("bulk/", self.bulk_view, "bulk"), *super().get_urls()]

    @admin.action(description="Decide selected…", permissions=["act"])
    def decide_selected(self, request: HttpRequest, actions: QuerySet[PendingAction]) -> HttpResponseBase | None:
        """Show each before anything is decided."""
        chosen = list(actions[: BULK_MAX + 1])
        try:
            return self._bulk_page(request, chosen, NoteForm(auto_id="bulk-%s"))
        except InvalidInputError as error:
            messages.error(request, f"Not possible together: {error}.")
        return None

    def bulk_view(self, request: HttpRequest) -> HttpResponseBase:
        """Decide those that were shown; what was decided meanwhile is left out, and said."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        self.check_may_act(request)
        shown = _shown(request.POST.getlist("ids"))
        chosen = in_order(list(shown), list(self.get_queryset(request).filter(pk__in=shown)))
        form = NoteForm(request.POST, auto_id="bulk-%s")
        try:
            if not (form.is_valid() and _decide(request, chosen, form, shown=shown)):
                return self._bulk_page(request, chosen, form)
        except InvalidInputError as error:
            messages.error(request, f"Not done: {error}.")
        return redirect("admin:runs_pendingaction_changelist")

    def _bulk_page(self, request: HttpRequest, actions: Sequence[PendingAction], form: forms.Form) -> TemplateResponse:
        """Show each action, and why some take no part. Raises: InvalidInputError."""
        items = preview(actions, user=operator_of(request))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"Decide {len(items)} actions",
            "form": form,
            "items": [_row(item) for item in items],
            "takes_part": sum(not item.skipped for item in items),
            "tool": actions[0].tool or actions[0].kind,
        }
        return TemplateResponse(request, "admin/runs/pendingaction/bulk.html", context)


def _shown(texts: Sequence[str]) -> dict[UUID, str]:
    """Read what the page has shown, as it was posted: what is no id is left out, and one too many is refused later.

    Shape: each text is `id:bound_hash`; the hash by the id.
    """
    found = {}
    for text in texts[: BULK_MAX + 1]:
        pk, _, bound_hash = text.partition(":")
        with suppress(ValueError):
            found[UUID(pk)] = bound_hash
    return found


def _row(item: Item) -> dict[str, Any]:
    action = item.action
    return {
        "action": action,
        "skipped": item.skipped,
        "risk": badge(action.risk) if action.risk else None,
        "amount": amount_of(action),
        "arguments": formatting.pretty(action.arguments),
    }


def _decide(
    request: HttpRequest, actions: Sequence[PendingAction], form: forms.Form, *, shown: Mapping[UUID, str]
) -> bool:
    """Decide, and say how it went; False if something in the form is wrong. Raises: InvalidInputError."""
    verb, note = request.POST.get("verb", ""), form.cleaned_data["note"]
    try:
        items = decide_all(actions, verb, user=operator_of(request), note=note, seen=shown)
    except InvalidInputError as error:
        if "ids" in error.errors:
            raise
        add_errors(form, error)
        return False
    _tell(request, verb, items)
    return True


def _tell(request: HttpRequest, verb: str, items: Sequence[Item]) -> None:
    count_of = counts(items)
    reasons = Counter(item.skipped for item in items if not item.done).most_common()
    if count_of["decided"]:
        messages.success(request, f"{_DONE[verb]}: {count_of['decided']} of {len(items)}.")
    if count_of["agreed"]:
        messages.success(request, f"Agreed to, and others must as well: {count_of['agreed']} of {len(items)}.")
    for reason, count in reasons[:_SHOWN_REASONS]:
        messages.warning(request, f"Left out, {count}: {reason}.")
    if len(reasons) > _SHOWN_REASONS:
        messages.warning(request, f"… and {sum(count for _, count in reasons[_SHOWN_REASONS:])} more were left out.")
