"""The console's pages of bulk redrives: plan, watch, start, pause, resume, abort."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from deadletters.admin.redrive_forms import ChosenForm, FilterForm, form_for
from deadletters.admin.redrive_page import badge_of, page_context, selection_of
from deadletters.admin.scope import DeadLettersAdmin, tenants_seen
from deadletters.models import DeadLetter, Redrive
from deadletters.redrive.actions import abort, check_fits, pause, resume, start, verbs_of
from deadletters.redrive.options import LETTERS_MAX
from deadletters.redrive.plan import plan
from runs.admin.kit.formatting import clipped, minute
from runs.admin.kit.forms import form_with, note_field
from runs.admin.kit.lists import Column, column, id_column
from runs.admin.kit.verbs import Choice, FormPageAdmin, FormVerb, FormVerbsAdmin, KeptForms, VerbResult
from runs.errors import RunsError

ReasonForm = form_with(note=note_field("Reason (may be empty)", required=False))
VERBS: dict[str, FormVerb] = {
    "start": FormVerb(
        forms.Form, start, "Start", hint="Send the letters, in the name of {planned_by}.", look="act--approve"
    ),
    "pause": FormVerb(ReasonForm, pause, "Pause", hint="Send nothing more until it is resumed; what was sent goes on."),
    "resume": FormVerb(forms.Form, resume, "Resume", hint="Go on at the same rate.", look="act--approve"),
    "abort": FormVerb(
        ReasonForm, abort, "Abort", hint="Send nothing more, for good; what was sent goes on.", look="act--reject"
    ),
}


@admin.register(Redrive)
class RedriveAdmin(FormVerbsAdmin[Redrive], FormPageAdmin[Redrive], DeadLettersAdmin[Redrive]):
    """Watch, plan and control redrives."""

    list_display = ("state", "short_id", "letters", "tenant", "progress", "failed_again", "planned_by", "planned")
    list_display_links = ("short_id",)
    list_filter = ("status", "planned_at")
    list_select_related = ("planned_by",)
    list_per_page = 50
    actions = None
    empty_state = "No redrives yet: choose letters in the list of dead letters, or plan one by their cause."
    form_verb = "plan"
    form_title = "Plan a redrive"
    form_template = "admin/deadletters/redrive/plan.html"
    form_verbs = VERBS

    state = Column("status", badge_of, ordering="status")
    short_id = id_column()
    letters = Column("letters", lambda redrive: clipped(selection_of(redrive)))
    progress = Column("ended of all to send", lambda redrive: f"{redrive.ended} of {redrive.pending + redrive.sent}")
    failed_again = column("failed", "failed again")
    planned = column("planned_at", "planned (UTC)", minute)

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

    # Planning

    def new_form(self, request: HttpRequest, data: Any = None) -> Any:
        """Build the form: of chosen dead letters, or of a filter, which the address may fill in."""
        return FilterForm(initial=request.GET.dict()) if data is None else form_for(data)

    def make(self, request: HttpRequest, form: Any) -> HttpResponseBase:
        """Plan, and show what would be sent."""
        letters = self.admin_site.get_model_admin(DeadLetter).get_queryset(request)
        try:
            redrive = plan(letters, form.selection(), user=request.user, options=form.options())
        except RunsError as error:
            form.add_error(None, f"{error}.")
            return self.form_page(request, form)
        messages.success(request, "Planned: nothing is sent until somebody starts it.")
        return redirect(self.page_of(redrive))

    def form_page(self, request: HttpRequest, form: forms.Form, **extra: Any) -> TemplateResponse:
        """Show the form, with the number of letters that were chosen."""
        ids = form["ids"].value() or "" if isinstance(form, ChosenForm) else ""
        chosen = len(ids.split(",")) if ids else 0
        return super().form_page(request, form, chosen=chosen, letters_max=LETTERS_MAX)

    # Page and verbs

    def verb_context(self, request: HttpRequest, record: Redrive, kept_forms: KeptForms) -> dict[str, Any]:
        """What the page shows, with the verbs that fit. A reload would throw away a reason that is being typed."""
        reloads = record.needs_steps and request.GET.get("refresh") != "off" and not kept_forms
        choices = []
        for name in verbs_of(record):
            verb = self.form_verbs[name]
            hint = verb.hint.format(planned_by=record.planned_by.get_username())
            form = forms.Form() if reloads else kept_forms.get(name) or self.verb_form(request, record, name)
            choices.append(Choice(name, replace(verb, hint=hint), self.address(name, record), form))
        return {
            **page_context(request, record),
            "choices": choices,
            "page_href": self.page_of(record),  # the verbs' own addresses show this page, too
            "refreshes": reloads,
            "refresh_is_off": record.needs_steps and not reloads,
        }

    def check_fits(self, record: Redrive, name: str) -> None:
        """Refuse a verb that does not fit the status. Raises: RedriveStateError."""
        check_fits(record, name)

    def call_verb(self, request: HttpRequest, record: Redrive, name: str, said: Mapping[str, Any]) -> VerbResult:
        """Control it, and say where it stands."""
        super().call_verb(request, record, name, said)
        return f"The redrive is {record.status}."


@admin.action(description="Redrive selected…", permissions=["act"])
def redrive_selected(letters_admin: Any, request: HttpRequest, letters: QuerySet[DeadLetter]) -> HttpResponseBase:
    """Redirect from the list of dead letters to the planning page."""
    ids = ",".join(str(pk) for pk in letters.values_list("pk", flat=True))
    redrives: RedriveAdmin = letters_admin.admin_site.get_model_admin(Redrive)
    return redrives.form_page(request, ChosenForm(initial={"ids": ids}))
