"""The console's pages of bulk redrives: plan, watch, start, pause, resume, abort."""

from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from deadletters.admin.redrive_forms import ChosenForm, FilterForm, NoteForm, TermsForm, form_for
from deadletters.admin.redrive_page import LOOKS, page_context, selection_of
from deadletters.admin.shown import ShownOnlyAdmin
from deadletters.errors import DeadLettersError, NotOperatorError
from deadletters.models import DeadLetter, Redrive, RedriveStatus
from deadletters.redrive import verbs
from deadletters.redrive.plan import plan
from deadletters.redrive.terms import LETTERS_MAX

PERMISSION = "deadletters.replay_deadletter"
EMPTY_STATE = "No redrives yet: choose letters in the list of dead letters, or plan one by their cause."
_VERBS = {"start": verbs.start, "pause": verbs.pause, "resume": verbs.resume, "abort": verbs.abort}
_WITH_NOTE = ("pause", "abort")


@admin.register(Redrive)
class RedriveAdmin(ShownOnlyAdmin[Redrive]):
    """Watch redrives, plan and steer them."""

    list_display = ("state", "short_id", "letters", "tenant", "progress", "failed_again", "planned_by", "planned")
    list_display_links = ("short_id",)
    list_filter = ("status", "planned_at")
    list_select_related = ("planned_by",)
    list_per_page = 50
    actions = None

    # Who sees what

    def get_queryset(self, request: HttpRequest) -> QuerySet[Redrive]:
        """Only redrives of the user's tenants, and one's own over several; superusers see all."""
        redrives = super().get_queryset(request).select_related("planned_by", "changed_by")
        if request.user.is_superuser:
            return redrives
        memberships: Any = getattr(request.user, "memberships", None)  # whoever knows tenants, tells here
        slugs = memberships.values_list("tenant__slug", flat=True) if memberships is not None else []
        return redrives.filter(Q(tenant__in=slugs) | Q(tenant="", planned_by=request.user.pk))

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Redrive:
        """Find a redrive. Raises: Http404, also for another tenant's."""
        redrive = super().get_object(request, object_id, from_field)
        if redrive is None:
            raise Http404(f"no redrive {object_id}")
        return redrive

    def has_view_permission(self, request: HttpRequest, obj: Redrive | None = None) -> bool:
        """Whoever may see letters may see how they are sent again."""
        may_see_letters = request.user.has_perm("deadletters.view_deadletter")
        return may_see_letters or super().has_view_permission(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """They are planned on a page of their own."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Redrive | None = None) -> bool:
        """Nobody edits them."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Redrive | None = None) -> bool:
        """History is kept."""
        return False

    def may_act(self, request: HttpRequest) -> bool:
        """Planning and steering need the permission of replaying."""
        return request.user.has_perm(PERMISSION)

    # List

    @admin.display(description="status", ordering="status")
    def state(self, redrive: Redrive) -> SafeString:
        """Show the status, with an icon beside its text."""
        icon, tone = LOOKS[RedriveStatus(redrive.status)]
        look = '<span class="status status--{}"><span class="status-icon" aria-hidden="true">{}</span>{}</span>'
        return format_html(look, tone, icon, redrive.status)

    @admin.display(description="id", ordering="id")
    def short_id(self, redrive: Redrive) -> SafeString:
        """Show the beginning of the id."""
        return format_html('<span class="mono">{}</span>', str(redrive.pk)[:8])

    @admin.display(description="letters")
    def letters(self, redrive: Redrive) -> SafeString:
        """Show which letters were asked for."""
        return format_html('<span class="clip">{}</span>', selection_of(redrive))

    @admin.display(description="ended of all to send")
    def progress(self, redrive: Redrive) -> str:
        """Show how far it is."""
        return f"{redrive.ended} of {redrive.pending + redrive.sent}"

    @admin.display(description="failed again", ordering="failed")
    def failed_again(self, redrive: Redrive) -> int:
        """Show how many failed again."""
        return redrive.failed

    @admin.display(description="planned (UTC)", ordering="planned_at")
    def planned(self, redrive: Redrive) -> str:
        """Show when it was planned."""
        return f"{redrive.planned_at:%Y-%m-%d %H:%M}"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list, with the way to plan another."""
        texts = {"empty_state": EMPTY_STATE, "may_act": self.may_act(request)}
        response: HttpResponse = super().changelist_view(request, texts | (extra_context or {}))
        return response

    # Planning

    def plan_view(self, request: HttpRequest) -> HttpResponseBase:
        """Ask for letters and terms; plan, and show what would be sent."""
        self._check_may_act(request)
        if request.method != "POST":
            return self.plan_page(request, FilterForm(initial=request.GET.dict()))
        form = form_for(request.POST)
        if not form.is_valid():
            return self.plan_page(request, form)
        letters = self.admin_site.get_model_admin(DeadLetter).get_queryset(request)
        try:
            redrive = plan(letters, form.selection(), user=request.user, terms=form.terms())
        except DeadLettersError as error:
            form.add_error(None, f"{error}.")
            return self.plan_page(request, form)
        messages.success(request, "Planned: nothing is sent until somebody starts it.")
        return redirect(_page_of(redrive))

    def plan_page(self, request: HttpRequest, form: TermsForm) -> TemplateResponse:
        """Show the form."""
        ids = form["ids"].value() or "" if isinstance(form, ChosenForm) else ""
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Plan a redrive",
            "form": form,
            "chosen": len(ids.split(",")) if ids else 0,
            "letters_max": LETTERS_MAX,
        }
        return TemplateResponse(request, "admin/deadletters/redrive/plan.html", context)

    # Page and verbs

    def get_urls(self) -> list[URLPattern]:
        """Add the page of planning, and one address for each verb."""
        name = "deadletters_redrive"
        own = [
            path(
                f"<uuid:pk>/{verb}/",
                self.admin_site.admin_view(partial(self.verb_view, verb=verb)),
                name=f"{name}_{verb}",
            )
            for verb in _VERBS
        ]
        planning = path("plan/", self.admin_site.admin_view(self.plan_view), name=f"{name}_plan")
        return [planning, *own, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the page; posting to it is refused."""
        if request.method not in ("GET", "HEAD") or not self.has_view_permission(request):
            raise PermissionDenied
        redrive = self.get_object(request, unquote(object_id))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": redrive,
            "title": str(redrive),
            "has_view_permission": True,
            "may_act": self.may_act(request),
            **page_context(request, redrive),
        }
        return TemplateResponse(request, "admin/deadletters/redrive/change_form.html", context)

    def verb_view(self, request: HttpRequest, *, pk: UUID, verb: str) -> HttpResponseBase:
        """Do what a button says, tell how it went, and go back to the page."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        self._check_may_act(request)
        redrive = self.get_object(request, str(pk))
        try:
            _VERBS[verb](redrive, user=request.user, **_note(request, verb))
            messages.success(request, f"The redrive is {redrive.status}.")
        except NotOperatorError as error:
            raise PermissionDenied(str(error)) from error
        except DeadLettersError as error:
            messages.error(request, f"Not done: {error}.")
        return redirect(_page_of(redrive))

    def _check_may_act(self, request: HttpRequest) -> None:
        if not self.may_act(request):
            raise PermissionDenied(f"This needs the permission {PERMISSION}.")


@admin.action(description="Redrive selected…", permissions=["replay"])
def redrive_selected(letters_admin: Any, request: HttpRequest, letters: QuerySet[DeadLetter]) -> HttpResponseBase:
    """Lead from the list of letters to the page of planning."""
    ids = ",".join(str(pk) for pk in letters.values_list("pk", flat=True))
    redrives: RedriveAdmin = letters_admin.admin_site.get_model_admin(Redrive)
    return redrives.plan_page(request, ChosenForm(initial={"ids": ids}))


def _note(request: HttpRequest, verb: str) -> dict[str, str]:
    form = NoteForm(request.POST)
    return {"note": form.cleaned_data["note"]} if verb in _WITH_NOTE and form.is_valid() else {}


def _page_of(redrive: Redrive) -> str:
    return reverse("admin:deadletters_redrive_change", args=[redrive.pk])
