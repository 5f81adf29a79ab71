"""What all pages of records share: reading only, and verbs that are posted."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from deadletters.errors import DeadLettersError
from runs.admin.confirm import Question, ask, is_confirmed
from runs.admin.listed import ListedAdmin
from runs.admin.scope import M
from runs.errors import NotPermittedError, RunsError

Verb = Callable[[HttpRequest, Any], str]
"""Does something to a record and says what was done. Raises: RunsError, DeadLettersError with the reason."""


class RecordAdmin(ListedAdmin[M]):
    """A record that nobody writes by hand: no adding, no changing, no deleting."""

    fields: ClassVar[Any] = None  # may hold columns made by `moment_column`, which the stubs do not foresee
    readonly_fields: ClassVar[Any] = ()
    change_form_template: ClassVar[Any] = "admin/runs/record.html"

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds records by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        """Nobody edits records."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        """Nobody deletes records."""
        return False

    def page_of(self, record: M) -> str:
        """The address of a record's page."""
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[record.pk])


class PageAdmin(RecordAdmin[M]):
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
            messages.success(request, call(request, record))
        except NotPermittedError as error:
            raise PermissionDenied(str(error)) from error
        except (RunsError, DeadLettersError) as error:
            messages.error(request, f"Not done: {error}.")
        return redirect(self.page_of(record))
