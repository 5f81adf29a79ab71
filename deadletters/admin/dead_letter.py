"""The console's pages of dead letters: the list, a page for each, and its replay."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from deadletters.admin.formatting import indented, run_href
from deadletters.admin.letter_page import letter_context, preview_context, word_for
from deadletters.admin.redrive import redrive_selected
from deadletters.admin.scope import DeadLettersAdmin, tenants_seen
from deadletters.admin.verbs import OF_LETTERS, InputForm, StepForm, people_options
from deadletters.models import DeadLetter
from deadletters.replay import preview, replay
from runs.admin.kit import formatting
from runs.admin.kit.verbs import FormVerb, FormVerbsAdmin
from runs.errors import RunsError

EMPTY_STATE = "No dead letters: no run has failed for good. One appears here when a run gives up."


@admin.register(DeadLetter)
class DeadLetterAdmin(FormVerbsAdmin[DeadLetter], DeadLettersAdmin[DeadLetter]):
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
    page_template = "admin/deadletters/deadletter/change_form.html"
    form_verbs = OF_LETTERS
    empty_state = EMPTY_STATE

    def get_queryset(self, request: HttpRequest) -> QuerySet[DeadLetter]:
        """Select dead letters of the user's tenants; superusers see all."""
        letters, tenants = super().get_queryset(request), tenants_seen(request)
        return letters if tenants is None else letters.filter(tenant__in=tenants)

    # List

    @admin.display(description="status", ordering="status")
    def state(self, letter: DeadLetter) -> SafeString:
        """Show the status, with an icon beside its text."""
        return formatting.badge_html(word_for(letter))

    @admin.display(description="message")
    def message(self, letter: DeadLetter) -> SafeString:
        """Show the beginning of the message."""
        return format_html('<span class="clip">{}</span>', letter.error_message[:160])

    @admin.display(description="cost", ordering="cost_usd")
    def cost(self, letter: DeadLetter) -> str:
        """Show the cost of the run."""
        return formatting.money(letter.cost_usd)

    @admin.display(description="failed (UTC)", ordering="failed_at")
    def failed(self, letter: DeadLetter) -> str:
        """Show when it failed."""
        return formatting.minute(letter.failed_at)

    @admin.display(description="cause", ordering="fingerprint")
    def cause(self, letter: DeadLetter) -> SafeString:
        """Link to the group of the cause."""
        if letter.group_id is None:
            return format_html('<span class="mono">{}</span>', letter.fingerprint[:11])
        href = reverse("admin:deadletters_lettergroup_change", args=[letter.group_id])
        return format_html(
            '<a class="mono" href="{}" title="All with this cause">{}</a>', href, letter.fingerprint[:11]
        )

    @admin.action(description="Replay selected letters", permissions=["replay"])
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

    # Page and verbs

    def page_context(self, request: HttpRequest, record: DeadLetter) -> dict[str, Any]:
        """What the letter's page shows."""
        forms_of_replay = {
            "replay_form": InputForm(initial={"input": indented(record.arguments)}, auto_id="replay-%s"),
            "step_form": StepForm(initial={"from_step": record.step or 1}, auto_id="step-%s"),
        }
        return letter_context(record) | forms_of_replay

    def verb_options(self, request: HttpRequest, record: DeadLetter, verb: FormVerb) -> dict[str, Any]:
        """Offer the people of the tenant."""
        return people_options(verb, request, [record.tenant])

    def get_urls(self) -> list[URLPattern]:
        """Add the addresses of a replay: its preview, and the replay itself."""
        own = [
            path(f"<uuid:pk>/{name}/", self.admin_site.admin_view(view), name=f"deadletters_deadletter_{name}")
            for name, view in (("preview", self.preview_view), ("replay", self.replay_view))
        ]
        return [*own, *super().get_urls()]

    def preview_view(self, request: HttpRequest, pk: UUID) -> HttpResponseBase:
        """Preview a replay, with the button to start it. Changes nothing; an input may be posted."""
        self.check_may_act(request)
        letter = self.get_object(request, str(pk))
        asked = request.POST if request.method == "POST" else request.GET
        form = _form_of_replay(asked)
        if form and not form.is_valid():
            return self._page_again(request, letter, form)
        said = form.cleaned_data if form else {}
        try:
            told = preview(letter, new_input=said.get("input"), from_step=said.get("from_step"))
        except (RunsError, ObjectDoesNotExist) as error:
            return self._refused(request, letter, form, error)
        given = {name: asked[name] for name in said}
        page = {"given": given, "choices": [], **letter_context(letter), "preview": preview_context(told)}
        self_page = self.render_page(request, letter, **page, title=f"Replay {letter}?")
        self_page.template_name = "admin/deadletters/deadletter/preview.html"
        return self_page

    def replay_view(self, request: HttpRequest, pk: UUID) -> HttpResponseBase:
        """Continue the failed run, or start one from a step or with other input."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        self.check_may_act(request)
        letter = self.get_object(request, str(pk))
        form = _form_of_replay(request.POST)
        if form and not form.is_valid():
            return self._page_again(request, letter, form)
        said = form.cleaned_data if form else {}
        try:
            run_id = replay(letter, user=request.user, new_input=said.get("input"), from_step=said.get("from_step"))
        except (RunsError, ObjectDoesNotExist) as error:
            return self._refused(request, letter, form, error)
        messages.success(request, "Replayed: this run goes on.")
        return redirect(run_href(run_id))

    def _refused(
        self, request: HttpRequest, letter: DeadLetter, form: forms.Form | None, error: RunsError | ObjectDoesNotExist
    ) -> HttpResponseBase:
        """Show why the replay was refused: at the field, if the input can be corrected."""
        refusal = _refusal(error)
        if form and letter.is_live:
            form.add_error(next(iter(form.fields)), refusal)
            return self._page_again(request, letter, form)
        messages.error(request, f"Not replayed: {refusal}.")
        return redirect(self.page_of(letter))

    def _page_again(self, request: HttpRequest, letter: DeadLetter, form: forms.Form) -> TemplateResponse:
        extra: dict[str, Any] = {"replay_form" if isinstance(form, InputForm) else "step_form": form}
        return self.render_page(request, letter, **extra)


def _form_of_replay(asked: Any) -> forms.Form | None:
    """Read the kind of replay: with other input, from a step, or, with neither, a continuation."""
    if "input" in asked:
        return InputForm(asked, auto_id="replay-%s")
    if "from_step" in asked:
        return StepForm(asked, auto_id="step-%s")
    return None


def _refusal(error: RunsError | ObjectDoesNotExist) -> str:
    return str(error) if isinstance(error, RunsError) else "the run is gone"
