"""Pages of records with verbs: each is posted from the page, calls one operation, and says how that went.

What cannot be undone is asked about first, without a script: the first POST shows a page whose button posts it again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from runs.admin.kit.forms import add_errors
from runs.admin.kit.lists import M
from runs.admin.kit.read_only import ReadOnlyAdmin
from runs.admin.kit.tenants import operator_of
from runs.errors import ConflictError, InvalidInputError, NotPermittedError, RunsError

Verb = Callable[[HttpRequest, Any], str | HttpResponseBase]
"""Does something to a record and says what was done, or answers itself. Raises: RunsError with the reason."""

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


class PageAdmin(ReadOnlyAdmin[M]):
    """A record with a page of our own, and with verbs that are posted from it."""

    page_template: ClassVar[str]
    verb_permission: ClassVar[str]  # needed for every verb
    key_kind: ClassVar[str] = "uuid"  # of its primary key, as addresses write it
    questions: ClassVar[Mapping[str, Question]] = {}  # asked before a verb that cannot be undone

    def page_context(self, request: HttpRequest, record: M) -> dict[str, Any]:
        """What the page shows."""
        raise NotImplementedError

    def verbs(self) -> dict[str, Verb]:
        """The verbs by the last part of their address."""
        return {}

    def may_act(self, request: HttpRequest) -> bool:
        """Say whether the user may use the verbs."""
        return request.user.has_perm(self.verb_permission)

    def check_may_act(self, request: HttpRequest) -> None:
        """Refuse who lacks the permission of the verbs. Raises: PermissionDenied."""
        if not self.may_act(request):
            raise PermissionDenied(f"This needs the permission {self.verb_permission}.")

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the page; posting to it is refused."""
        if request.method not in ("GET", "HEAD") or not self.has_view_permission(request):
            raise PermissionDenied
        return self.render_page(request, self.get_object(request, unquote(object_id)))

    def render_page(self, request: HttpRequest, record: M, **extra: Any) -> TemplateResponse:
        """Render the record's page."""
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": record,
            "title": str(record),
            "media": self.media,
            "has_view_permission": True,
            "may_act": self.may_act(request),
            **self.page_context(request, record),
            **extra,
        }
        return TemplateResponse(request, self.page_template, context)

    def get_urls(self) -> list[URLPattern]:
        """Add one address for each verb."""
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        own = [
            path(
                f"<{self.key_kind}:pk>/{verb}/",
                self.admin_site.admin_view(partial(self.verb_view, verb=verb, call=call)),
                name=f"{name}_{verb}",
            )
            for verb, call in self.verbs().items()
        ]
        return own + super().get_urls()

    def verb_view(self, request: HttpRequest, *, pk: Any, verb: str, call: Verb) -> HttpResponseBase:
        """Do what a button says, tell how it went, and go back to the page."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        self.check_may_act(request)
        record = self.get_object(request, str(pk))
        if verb in self.questions and not is_confirmed(request):
            return ask(request, self, self.questions[verb], about=[record], back=self.page_of(record))
        try:
            said = call(request, record)
            if isinstance(said, HttpResponseBase):
                return said
            messages.success(request, said)
        except NotPermittedError as error:
            raise PermissionDenied(str(error)) from error
        except RunsError as error:
            messages.error(request, f"Not done: {error}.")
        return redirect(self.page_of(record))


@dataclass(frozen=True, slots=True)
class FormVerb:
    """A verb with a form of its own on the record's page, offered when it `fits` the record."""

    form: type[forms.Form]
    call: Callable[..., None]  # gets the record, `user`, and what the form says
    button: str
    done: str
    hint: str = ""
    look: str = ""  # a class of the button
    fits: Callable[[Any], bool] = lambda _: True


class FormVerbsAdmin(PageAdmin[M]):
    """A record whose verbs have forms; one that is filled in wrongly is shown again as it was typed."""

    form_verbs: ClassVar[Mapping[str, FormVerb]]

    def verb_options(self, request: HttpRequest, record: M, verb: FormVerb) -> dict[str, Any]:
        """What the form of a verb needs besides what is posted."""
        return {}

    def verbs(self) -> dict[str, Verb]:
        """The verbs by the last part of their address."""
        return {name: partial(self._use, name=name) for name in self.form_verbs}

    def render_page(self, request: HttpRequest, record: M, **extra: Any) -> TemplateResponse:
        """Render the record's page with the forms of the verbs that fit; `kept` are those to be put right, by verb."""
        kept = extra.pop("kept", {})
        choices = [
            {
                "verb": verb,
                "href": self.address(name, record),
                "form": kept.get(name) or self._form(request, record, name),
            }
            for name, verb in self.form_verbs.items()
            if verb.fits(record)
        ]
        return super().render_page(request, record, **{"choices": choices} | extra)

    def _use(self, request: HttpRequest, record: M, *, name: str) -> str | HttpResponseBase:
        verb, form = self.form_verbs[name], self._form(request, record, name, request.POST)
        if not form.is_valid():
            return self.render_page(request, record, kept={name: form})
        try:
            verb.call(record, user=operator_of(request), **form.cleaned_data)
        except NotPermittedError as error:  # by the role in a tenant: the page stays open to the user
            messages.error(request, f"Not done: {error}.")
            return redirect(self.page_of(record))
        return verb.done

    def _form(self, request: HttpRequest, record: M, name: str, data: Any = None) -> forms.Form:
        verb = self.form_verbs[name]
        return verb.form(data, auto_id=f"{name}-%s", **self.verb_options(request, record, verb))


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
