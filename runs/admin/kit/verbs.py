"""Pages of records with verbs: each is posted from the page, calls one operation, and says how that went.

What cannot be undone is asked about first, without a script: the first POST shows a page whose button posts it again.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
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
from django.urls import URLPattern

from runs.admin.kit.forms import TenantForm, add_errors
from runs.admin.kit.lists import Column, M
from runs.admin.kit.read_only import ReadOnlyAdmin
from runs.admin.kit.tenants import operator_of, tenants_of
from runs.errors import ConflictError, InvalidInputError, NotPermittedError, RunsError
from runs.models import Role

VerbResult = str | HttpResponseBase | None
"""What was done, in words; or an answer of its own; or nothing, if it was said already."""

Verb = Callable[[HttpRequest, Any], VerbResult]
"""Does something to a record. Raises: RunsError with the reason why not."""

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
    """A record with a page of our own, `change_form.html` of its model, and with verbs that are posted from it."""

    key_kind: ClassVar[str] = "uuid"  # of its primary key, as addresses write it
    verbs: ClassVar[Mapping[str, Verb]] = {}  # by the last part of their address
    questions: ClassVar[Mapping[str, Question]] = {}  # asked before a verb that cannot be undone

    def page_context(self, request: HttpRequest, record: M) -> dict[str, Any]:
        """What the page shows, besides the record itself (`original`) and its columns in the list (`shown`)."""
        return {}

    def all_verbs(self) -> Mapping[str, Verb]:
        """The verbs that have an address."""
        return self.verbs

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
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
            "shown": {name: partial(column, record) for name, column in self._columns()},
            **self.page_context(request, record),
            **extra,
        }
        return TemplateResponse(
            request, f"admin/{self.opts.app_label}/{self.opts.model_name}/change_form.html", context
        )

    def _columns(self) -> Iterator[tuple[str, Column]]:
        for name in self.list_display:
            if isinstance(name, str) and isinstance(column := getattr(self, name, None), Column):
                yield name, column

    def get_urls(self) -> list[URLPattern]:
        """Add one address for each verb."""
        own = [
            self.own_path(f"<{self.key_kind}:pk>/{verb}/", partial(self.verb_view, verb=verb, call=call), verb)
            for verb, call in self.all_verbs().items()
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
        except RunsError as error:
            said = self.refuse(request, record, error)
        if isinstance(said, HttpResponseBase):
            return said
        if said:
            messages.success(request, said)
        return redirect(self.next_url(request, record))

    def refuse(self, request: HttpRequest, record: M, error: RunsError) -> VerbResult:
        """Say why a verb was not done. Raises: PermissionDenied."""
        if isinstance(error, NotPermittedError):
            raise PermissionDenied(str(error)) from error
        messages.error(request, f"Not done: {error}.")
        return None

    def next_url(self, request: HttpRequest, record: M) -> str:
        """The address of the page that is shown after a verb."""
        return self.page_of(record)


@dataclass(frozen=True, slots=True)
class FormVerb:
    """A verb with a form of its own on the record's page, offered when it `fits` the record."""

    form: type[forms.Form]
    operation: Callable[..., Any]  # gets the record, `user`, and what the form says
    button: str
    done: str = ""  # what is said afterwards
    hint: str = ""
    look: str = ""  # a class of the button
    fits: Callable[[Any], bool] = lambda _: True


@dataclass(frozen=True, slots=True)
class Choice:
    """A verb as it is offered. With `refusal` its button is disabled, and says why."""

    name: str
    verb: FormVerb
    href: str
    form: forms.Form
    refusal: str = ""


KeptForms = Mapping[str, forms.Form]
"""Forms that are shown again with their errors, by verb."""


class FormVerbsAdmin(PageAdmin[M]):
    """A record whose verbs have forms; one that is filled in wrongly is shown again as it was typed."""

    form_verbs: ClassVar[Mapping[str, FormVerb]]

    def form_options(self, request: HttpRequest, record: M, verb: FormVerb) -> dict[str, Any]:
        """What the form of a verb needs besides what is posted."""
        return {}

    def verb_form(self, request: HttpRequest, record: M, name: str, data: Any = None) -> forms.Form:
        """Build the form of a verb."""
        verb = self.form_verbs[name]
        return verb.form(data, auto_id=f"{name}-%s", **self.form_options(request, record, verb))

    def verb_context(self, request: HttpRequest, record: M, kept_forms: KeptForms) -> dict[str, Any]:
        """What the page shows of the verbs that fit."""
        choices = []
        for name, verb in self.form_verbs.items():
            if verb.fits(record):
                form = kept_forms.get(name) or self.verb_form(request, record, name)
                choices.append(Choice(name, verb, self.address(name, record), form))
        return {"choices": choices}

    def render_page(
        self, request: HttpRequest, record: M, *, kept_forms: KeptForms | None = None, **extra: Any
    ) -> TemplateResponse:
        """Render the record's page with the forms of its verbs."""
        return super().render_page(request, record, **self.verb_context(request, record, kept_forms or {}) | extra)

    def all_verbs(self) -> Mapping[str, Verb]:
        """The verbs with forms, too."""
        return {**self.verbs, **{name: partial(self.submit, name=name) for name in self.form_verbs}}

    def submit(self, request: HttpRequest, record: M, *, name: str) -> VerbResult:
        """Do what a form says; one that says something wrong is shown again."""
        form = self.verb_form(request, record, name, request.POST)
        if form.is_valid():
            try:
                return self.call_verb(request, record, name, form.cleaned_data)
            except InvalidInputError as error:
                add_errors(form, error)
        self.check_fits(record, name)
        return self.render_page(request, record, kept_forms={name: form})

    def check_fits(self, record: M, name: str) -> None:
        """Refuse a verb whose form the page does not show. Raises: RunsError that says why."""
        if not self.form_verbs[name].fits(record):
            raise ConflictError(f"“{self.form_verbs[name].button}” does not fit its state")

    def call_verb(self, request: HttpRequest, record: M, name: str, said: Mapping[str, Any]) -> VerbResult:
        """Call the operation of a verb. Raises: as it does."""
        self.form_verbs[name].operation(record, user=operator_of(request), **said)
        return self.form_verbs[name].done


class FormPageAdmin(PageAdmin[M]):
    """A list, a page for each record, and the page on which one is made."""

    form_verb: ClassVar[str]  # the last part of the page's address, and the word on its button
    form_title: ClassVar[str]
    form_hint: ClassVar[str] = ""
    form_class: ClassVar[type[TenantForm]]
    form_roles: ClassVar[tuple[Role, ...]]  # whose tenants the form offers; superusers may leave the tenant empty
    form_template = "admin/runs/form_page.html"

    def call_operation(self, request: HttpRequest, said: dict[str, Any]) -> str:
        """Make the record of what a valid form says; say what was done. Raises: RunsError."""
        raise NotImplementedError

    def make(self, request: HttpRequest, form: Any) -> HttpResponseBase:
        """Make the record, and go to the list."""
        messages.success(request, self.call_operation(request, form.cleaned_data))
        return redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")

    def new_form(self, request: HttpRequest, data: Any = None) -> Any:
        """Build the form."""
        return self.form_class(
            data,
            tenants=tenants_of(request, *self.form_roles),
            everywhere=request.user.is_superuser,
            auto_id=f"{self.form_verb}-%s",
            label_suffix="",
        )

    def get_urls(self) -> list[URLPattern]:
        """Add the address of the page."""
        return [self.own_path(f"{self.form_verb}/", self.form_view, self.form_verb), *super().get_urls()]

    def list_texts(self, request: HttpRequest) -> dict[str, str]:
        """Show the way to make another."""
        made = {"form_verb": self.form_verb, "form_title": self.form_title} if self.may_act(request, "add") else {}
        return super().list_texts(request) | made

    def form_view(self, request: HttpRequest) -> HttpResponseBase:
        """Show the form; when it is posted, do what it says. The operation asks for the role."""
        self.check_may_act(request, "add")
        form = self.new_form(request, request.POST if request.method == "POST" else None)
        if form.is_valid():
            try:
                return self.make(request, form)
            except InvalidInputError as error:
                add_errors(form, error)
            except ConflictError as error:
                form.add_error(None, f"Not done: {error}.")
            except NotPermittedError as error:
                raise PermissionDenied(str(error)) from error
        return self.form_page(request, form)

    def form_page(self, request: HttpRequest, form: forms.Form, **extra: Any) -> TemplateResponse:
        """Show the form."""
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": self.form_title,
            "form": form,
            "hint": self.form_hint,
            "button": self.form_verb.capitalize(),
        }
        return TemplateResponse(request, self.form_template, context | extra)
