"""The console's pages of dead letters: the list, a page for each, and its replay."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from deadletters.admin.formatting import indented, run_href
from deadletters.admin.letter_page import letter_context, preview_context, word_for
from deadletters.admin.redrive import redrive_selected
from deadletters.admin.scope import tenants_seen
from deadletters.admin.verbs import OF_LETTERS, DecidedAdmin, InputForm, StepForm
from deadletters.decisions import check_live
from deadletters.models import DeadLetter
from deadletters.replay import preview, replay
from runs.admin.kit import formatting
from runs.admin.kit.lists import Column, badge_column, column
from runs.admin.kit.verbs import Verb
from runs.errors import RunsError


def _cause(letter: DeadLetter) -> SafeString:
    """Link to the group of the cause."""
    if letter.group_id is None:
        return formatting.mono(letter.fingerprint[:11])
    href = reverse("admin:deadletters_lettergroup_change", args=[letter.group_id])
    return format_html('<a class="mono" href="{}" title="All with this cause">{}</a>', href, letter.fingerprint[:11])


@admin.register(DeadLetter)
class DeadLetterAdmin(DecidedAdmin[DeadLetter]):
    """Read dead letters and act on them; a replay first shows a preview."""

    list_display = (
        "state", "job_type", "error_class", "message", "step", "attempts", "cost", "tenant", "failed", "assignee",
        "cause",
    )  # fmt: skip
    list_display_links = ("job_type", "error_class")
    list_filter = ("status", "job_type", "error_class", "tenant", "failed_at")
    list_select_related = ("assignee",)
    list_per_page = 50
    linked_by = ("fingerprint",)
    search_fields = ("fingerprint", "error_class", "error_message", "job_type")
    actions = ("replay_selected", redrive_selected)
    form_verbs = OF_LETTERS
    empty_state = "No dead letters: no run has failed for good. One appears here when a run gives up."

    state = badge_column("status", word_for, ordering="status")
    message = Column("message", lambda letter: formatting.clipped(letter.error_message))
    cost = column("cost_usd", "cost", formatting.money)
    failed = column("failed_at", "failed (UTC)", formatting.minute)
    cause = Column("cause", _cause, ordering="fingerprint")

    def get_queryset(self, request: HttpRequest) -> QuerySet[DeadLetter]:
        """Select dead letters of the user's tenants; superusers see all."""
        letters, tenants = super().get_queryset(request), tenants_seen(request)
        return letters if tenants is None else letters.filter(tenant__in=tenants)

    @admin.action(description="Replay selected letters", permissions=["act"])
    def replay_selected(self, request: HttpRequest, letters: QuerySet[DeadLetter]) -> None:
        """Replay each; one that cannot be replayed, or needs a person first, does not block the others."""
        done = 0
        for letter in letters:
            try:
                if preview(letter).effects_unknown:
                    messages.warning(request, f"Not replayed, {letter}: an effect may have happened; open it first.")
                    continue
                replay(letter, user=request.user)
                done += 1
            except (RunsError, ObjectDoesNotExist) as error:
                messages.warning(request, f"Not replayed, {letter}: {_refusal(error)}.")
        if done:
            messages.success(request, f"Replayed: {done}.")

    def page_context(self, request: HttpRequest, record: DeadLetter) -> dict[str, Any]:
        """What the letter's page shows."""
        forms_of_replay = {
            "replay_form": InputForm(initial={"input": indented(record.arguments)}, auto_id="replay-%s"),
            "step_form": StepForm(initial={"from_step": record.step or 1}, auto_id="step-%s"),
        }
        return letter_context(record) | forms_of_replay

    def tenants_involved(self, record: DeadLetter) -> list[str]:
        """Its own."""
        return [record.tenant]

    def check_fits(self, record: DeadLetter, name: str) -> None:
        """Refuse every verb for a closed letter, too. Raises: DeadLetterDecidedError; ConflictError."""
        check_live(record)
        super().check_fits(record, name)

    def all_verbs(self) -> Mapping[str, Verb]:
        """Replay it, besides the verbs with forms."""
        return {**super().all_verbs(), "replay": self.replay}

    def get_urls(self) -> list[URLPattern]:
        """Add the address of the preview."""
        return [self.own_path("<uuid:pk>/preview/", self.preview_view, "preview"), *super().get_urls()]

    def preview_view(self, request: HttpRequest, pk: UUID) -> HttpResponseBase:
        """Preview a replay, with the button to start it. Changes nothing; an input may be posted."""
        self.check_may_act(request)
        letter = self.get_object(request, str(pk))

        def show(**said: Any) -> HttpResponseBase:
            given = {name: asked[name] for name in ("input", "from_step") if name in said}
            told = preview_context(preview(letter, **_replay_options(said)))
            page = self.render_page(request, letter, choices=[], given=given, preview=told, title=f"Replay {letter}?")
            page.template_name = "admin/deadletters/deadletter/preview.html"
            return page

        asked = request.POST if request.method == "POST" else request.GET
        return self._submit_replay(request, letter, asked, show)

    def replay(self, request: HttpRequest, letter: DeadLetter) -> HttpResponseBase:
        """Continue the failed run, or start one from a step or with other input."""

        def start(**said: Any) -> HttpResponseBase:
            run_id = replay(letter, user=request.user, **_replay_options(said))
            messages.success(request, "Replayed: this run goes on.")
            return redirect(run_href(run_id))

        return self._submit_replay(request, letter, request.POST, start)

    def _submit_replay(
        self, request: HttpRequest, letter: DeadLetter, asked: Any, then: Callable[..., HttpResponseBase]
    ) -> HttpResponseBase:
        """Do what is asked with what its form says; a refusal stands at the field, if the input can be corrected."""
        form = _form_of_replay(asked)
        if form is None or form.is_valid():
            try:
                return then(**form.cleaned_data if form else {})
            except (RunsError, ObjectDoesNotExist) as error:
                if form is None or not letter.is_live:
                    messages.error(request, f"Not replayed: {_refusal(error)}.")
                    return redirect(self.page_of(letter))
                form.add_error(next(iter(form.fields)), _refusal(error))
        shown: dict[str, Any] = {"replay_form" if isinstance(form, InputForm) else "step_form": form}
        return self.render_page(request, letter, **shown)


def _replay_options(said: dict[str, Any]) -> dict[str, Any]:
    return {"new_input": said.get("input"), "from_step": said.get("from_step")}


def _form_of_replay(asked: Any) -> forms.Form | None:
    """Read the kind of replay: with other input, from a step, or, with neither, a continuation."""
    if "input" in asked:
        return InputForm(asked, auto_id="replay-%s")
    if "from_step" in asked:
        return StepForm(asked, auto_id="step-%s")
    return None


def _refusal(error: RunsError | ObjectDoesNotExist) -> str:
    return str(error) if isinstance(error, RunsError) else "the run is gone"
