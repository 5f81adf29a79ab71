"""What the pages of letters and groups share: verbs that are posted, and what becomes of a refusal."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from deadletters.admin.look import refusal
from deadletters.admin.scope import MAY_ACT, KeptAdmin, M
from deadletters.admin.verbs import Verb, form_of


class VerbPageAdmin(KeptAdmin[M]):
    """A record with a page of our own, and verbs that are posted from it."""

    page_template: str
    page_verbs: Mapping[str, Verb]

    def page_context(self, request: HttpRequest, record: M) -> dict[str, Any]:
        """What the page shows."""
        raise NotImplementedError

    def tenants_of(self, record: M) -> Sequence[str]:
        """The tenants whose people may be given work of it."""
        raise NotImplementedError

    def address(self, name: str, record: M) -> str:
        """The address of one of the record's pages."""
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_{name}", args=[record.pk])

    def get_urls(self) -> list[URLPattern]:
        """Add one address for each verb."""
        return [
            self.own_path(name, partial(self.verb_view, name=name)) for name in self.page_verbs
        ] + super().get_urls()

    def own_path(self, name: str, view: Any) -> URLPattern:
        """Make an address below that of a record."""
        full_name = f"{self.opts.app_label}_{self.opts.model_name}_{name}"
        address: URLPattern = path(f"<uuid:pk>/{name}/", self.admin_site.admin_view(view), name=full_name)
        return address

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the page; posting to it is refused."""
        if request.method not in ("GET", "HEAD") or not self.has_view_permission(request):
            raise PermissionDenied
        return self.page(request, self.get_object(request, unquote(object_id)))

    def verb_view(self, request: HttpRequest, *, pk: UUID, name: str) -> HttpResponseBase:
        """Do what a button says, tell how it went, and go back to the page."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        self.check_may_act(request)
        record, verb = self.get_object(request, str(pk)), self.page_verbs[name]
        form = self._form(request, record, name, request.POST)
        if not form.is_valid():
            return self.page(request, record, kept={name: form})
        try:
            verb.call(record, user=request.user, **form.cleaned_data)
            messages.success(request, verb.done)
        except Exception as error:
            messages.error(request, f"Not done: {refusal(error)}.")
        return redirect(self.address("change", record))

    def check_may_act(self, request: HttpRequest) -> None:
        """Refuse who lacks the permission of the verbs. Raises: PermissionDenied."""
        if not self.has_replay_permission(request):
            raise PermissionDenied(f"This needs the permission {MAY_ACT}.")

    def page(
        self, request: HttpRequest, record: M, *, kept: Mapping[str, forms.Form] | None = None, **extra: Any
    ) -> TemplateResponse:
        """Render the page; `kept` are forms whose input was wrong, by verb."""
        choices = [
            {
                "verb": verb,
                "href": self.address(name, record),
                "form": (kept or {}).get(name) or self._form(request, record, name),
            }
            for name, verb in self.page_verbs.items()
            if verb.fits(record)
        ]
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": record,
            "title": str(record),
            "has_view_permission": True,
            "may_act": self.has_replay_permission(request),
            "choices": choices,
            **self.page_context(request, record),
            **extra,
        }
        return TemplateResponse(request, self.page_template, context)

    def _form(self, request: HttpRequest, record: M, name: str, data: Any = None) -> forms.Form:
        me = request.user.get_username()
        return form_of(self.page_verbs[name], name, data, tenants=self.tenants_of(record), me=me)
