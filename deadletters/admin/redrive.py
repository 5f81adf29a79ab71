"""The console's pages of bulk redrives: plan, watch, start, pause, resume, abort."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString

from deadletters.admin.redrive_forms import ChosenForm, FilterForm, OptionsForm, RedriveNoteForm, form_for
from deadletters.admin.redrive_page import badge_of, page_context, selection_of
from deadletters.admin.scope import DeadLettersAdmin, tenants_seen
from deadletters.models import DeadLetter, Redrive
from deadletters.redrive.actions import abort, pause, resume, start
from deadletters.redrive.options import LETTERS_MAX
from deadletters.redrive.plan import plan
from runs.admin.kit.formatting import minute, mono, short
from runs.admin.kit.verbs import Verb
from runs.errors import RunsError

EMPTY_STATE = "No redrives yet: choose letters in the list of dead letters, or plan one by their cause."
_VERBS: dict[str, Callable[..., None]] = {"start": start, "pause": pause, "resume": resume, "abort": abort}
_WITH_NOTE = ("pause", "abort")


@admin.register(Redrive)
class RedriveAdmin(DeadLettersAdmin[Redrive]):
    """Watch, plan and control redrives."""

    list_display = ("state", "short_id", "letters", "tenant", "progress", "failed_again", "planned_by", "planned")
    list_display_links = ("short_id",)
    list_filter = ("status", "planned_at")
    list_select_related = ("planned_by",)
    list_per_page = 50
    actions = None
    page_template = "admin/deadletters/redrive/change_form.html"
    empty_state = EMPTY_STATE

    # Who sees what

    def get_queryset(self, request: HttpRequest) -> QuerySet[Redrive]:
        """Select redrives of the user's tenants, and the user's own over several tenants; superusers see all."""
        redrives = super().get_queryset(request).select_related("planned_by", "changed_by")
        tenants = tenants_seen(request)
        if tenants is None:
            return redrives
        return redrives.filter(Q(tenant__in=tenants) | Q(tenant="", planned_by=request.user.pk))

    def has_view_permission(self, request: HttpRequest, obj: Redrive | None = None) -> bool:
        """Show them to everybody who may see dead letters, or redrives alone."""
        may_view_redrives = admin.ModelAdmin.has_view_permission(self, request, obj)
        return may_view_redrives or super().has_view_permission(request, obj)

    # List

    @admin.display(description="status", ordering="status")
    def state(self, redrive: Redrive) -> SafeString:
        """Show the status, with an icon beside its text."""
        return badge_of(redrive)

    @admin.display(description="id", ordering="id")
    def short_id(self, redrive: Redrive) -> SafeString:
        """Show the beginning of the id."""
        return mono(short(redrive.pk))

    @admin.display(description="letters")
    def letters(self, redrive: Redrive) -> SafeString:
        """Show the selection."""
        return format_html('<span class="clip">{}</span>', selection_of(redrive))

    @admin.display(description="ended of all to send")
    def progress(self, redrive: Redrive) -> str:
        """Show the progress."""
        return f"{redrive.ended} of {redrive.pending + redrive.sent}"

    @admin.display(description="failed again", ordering="failed")
    def failed_again(self, redrive: Redrive) -> int:
        """Show how many failed again."""
        return redrive.failed

    @admin.display(description="planned (UTC)", ordering="planned_at")
    def planned(self, redrive: Redrive) -> str:
        """Show when it was planned."""
        return minute(redrive.planned_at)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list, with a link to plan another."""
        return super().changelist_view(request, {"may_act": self.may_act(request)} | (extra_context or {}))

    # Planning

    def plan_view(self, request: HttpRequest) -> HttpResponseBase:
        """Ask for letters and options; plan, and show what would be sent."""
        self.check_may_act(request)
        if request.method != "POST":
            return self.plan_page(request, FilterForm(initial=request.GET.dict()))
        form = form_for(request.POST)
        if not form.is_valid():
            return self.plan_page(request, form)
        letters = self.admin_site.get_model_admin(DeadLetter).get_queryset(request)
        try:
            redrive = plan(letters, form.selection(), user=request.user, options=form.options())
        except RunsError as error:
            form.add_error(None, f"{error}.")
            return self.plan_page(request, form)
        messages.success(request, "Planned: nothing is sent until somebody starts it.")
        return redirect(self.page_of(redrive))

    def plan_page(self, request: HttpRequest, form: OptionsForm) -> TemplateResponse:
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

    def page_context(self, request: HttpRequest, record: Redrive) -> dict[str, Any]:
        """What the page shows."""
        return page_context(request, record)

    def verbs(self) -> dict[str, Verb]:
        """Start, pause, resume, abort."""
        return {verb: partial(_steer, verb=verb) for verb in _VERBS}

    def get_urls(self) -> list[URLPattern]:
        """Add the page of planning."""
        planning = path("plan/", self.admin_site.admin_view(self.plan_view), name="deadletters_redrive_plan")
        return [planning, *super().get_urls()]


@admin.action(description="Redrive selected…", permissions=["replay"])
def redrive_selected(letters_admin: Any, request: HttpRequest, letters: QuerySet[DeadLetter]) -> HttpResponseBase:
    """Redirect from the list of dead letters to the planning page."""
    ids = ",".join(str(pk) for pk in letters.values_list("pk", flat=True))
    redrives: RedriveAdmin = letters_admin.admin_site.get_model_admin(Redrive)
    return redrives.plan_page(request, ChosenForm(initial={"ids": ids}))


def _steer(request: HttpRequest, redrive: Redrive, *, verb: str) -> str:
    form = RedriveNoteForm(request.POST)
    note = {"note": form.cleaned_data["note"]} if verb in _WITH_NOTE and form.is_valid() else {}
    _VERBS[verb](redrive, user=request.user, **note)
    return f"The redrive is {redrive.status}."
