"""A record that is made on a page of its own, by an operation rather than by Django's form."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from runs.admin.field_errors import add_errors
from runs.admin.records import PageAdmin
from runs.admin.scope import M
from runs.errors import ConflictError, InvalidInputError, NotPermittedError


class FormPageAdmin(PageAdmin[M]):
    """A list, a page for each record, and the page on which one is made."""

    form_verb: ClassVar[str]  # the last part of the page's address, and the word on its button
    form_title: ClassVar[str]
    form_hint: ClassVar[str]
    form_permission: ClassVar[str]
    form_class: ClassVar[type[forms.Form]]

    def call_operation(self, request: HttpRequest, said: Mapping[str, Any]) -> str:
        """Make the record of what a valid form says; say what was done. Raises: RunsError."""
        raise NotImplementedError

    def form_options(self, request: HttpRequest) -> dict[str, Any]:
        """What the form needs besides what is posted."""
        return {}

    def may_make(self, request: HttpRequest) -> bool:
        """Say whether the user may open the page at all; the operation asks for the role."""
        return request.user.has_perm(self.form_permission)

    def get_urls(self) -> list[URLPattern]:
        """Add the address of the page."""
        name = f"{self.opts.app_label}_{self.opts.model_name}_{self.form_verb}"
        own = path(f"{self.form_verb}/", self.admin_site.admin_view(self.form_view), name=name)
        return [own, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list, with the way to make another."""
        made = {"form_verb": self.form_verb, "form_title": self.form_title} if self.may_make(request) else {}
        return super().changelist_view(request, made | (extra_context or {}))

    def form_view(self, request: HttpRequest) -> HttpResponseBase:
        """Show the form; when it is posted, do what it says."""
        if not self.may_make(request):
            raise PermissionDenied(f"This needs the permission {self.form_permission}.")
        posted = request.POST if request.method == "POST" else None
        auto_id = f"{self.form_verb}-%s"
        form = self.form_class(posted, auto_id=auto_id, label_suffix="", **self.form_options(request))
        if form.is_valid():
            try:
                messages.success(request, self.call_operation(request, form.cleaned_data))
                return redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
            except InvalidInputError as error:
                add_errors(form, error)
            except ConflictError as error:
                form.add_error(None, f"Not done: {error}.")
            except NotPermittedError as error:
                raise PermissionDenied(str(error)) from error
        return self._form_page(request, form)

    def _form_page(self, request: HttpRequest, form: forms.Form) -> TemplateResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": self.form_title,
            "form": form,
            "hint": self.form_hint,
            "button": self.form_verb.capitalize(),
        }
        return TemplateResponse(request, "admin/runs/form_page.html", context)
