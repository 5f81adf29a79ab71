"""The console's pages of dead letters. This app knows no runs: it links to them by the name of their page."""

import json
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from deadletters.admin.redrive import redrive_selected
from deadletters.models import LIVE, DeadLetter, LetterStatus
from deadletters.replay import discard, replay

TEXT_MAX_CHARS = 20_000
EMPTY_STATE = "No dead letters: no run has failed for good. One appears here when a run gives up."
_LOOKS = {
    LetterStatus.OPEN: ("!", "ask"),
    LetterStatus.ASSIGNED: ("!", "ask"),
    LetterStatus.REPLAYED: ("✓", "good"),
    LetterStatus.DISCARDED: ("—", "off"),
}


class InputForm(forms.Form):
    """The input of a new run, as JSON."""

    input = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 8, "class": "code", "spellcheck": "false"}),
        max_length=300_000,
        label="Other input (JSON object)",
    )

    def clean_input(self) -> dict[str, Any]:
        """Read the text. Raises: ValidationError that says where the JSON breaks off."""
        try:
            value = json.loads(self.cleaned_data["input"])
        except (ValueError, RecursionError) as error:
            raise ValidationError(f"This is not JSON: {error}") from error
        if not isinstance(value, dict):
            raise ValidationError("Give a JSON object.")
        return value


class DiscardForm(forms.Form):
    """Why nobody needs to act."""

    note = forms.CharField(max_length=4000, label="Reason why nobody needs to act")


@admin.register(DeadLetter)
class DeadLetterAdmin(admin.ModelAdmin[DeadLetter]):
    """Read letters; replay and discard them."""

    list_display = (
        "state", "job_type", "error_class", "message", "step", "attempts", "cost", "tenant", "failed", "cause",
    )  # fmt: skip
    list_display_links = ("job_type", "error_class")
    list_filter = ("status", "job_type", "error_class", "tenant", "failed_at")
    list_per_page = 50
    search_fields = ("fingerprint", "error_class", "error_message", "job_type")
    actions = ("replay_selected", redrive_selected)

    # Who sees what

    def get_queryset(self, request: HttpRequest) -> QuerySet[DeadLetter]:
        """Only letters of the user's tenants; superusers see all."""
        letters = super().get_queryset(request)
        if request.user.is_superuser:
            return letters
        memberships: Any = getattr(request.user, "memberships", None)  # whoever knows tenants, tells here
        slugs = memberships.values_list("tenant__slug", flat=True) if memberships is not None else []
        return letters.filter(tenant__in=slugs)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> DeadLetter:
        """Find a letter. Raises: Http404, also for another tenant's."""
        letter = super().get_object(request, object_id, from_field)
        if letter is None:
            raise Http404(f"no dead letter {object_id}")
        return letter

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Letters are made by failing runs."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: DeadLetter | None = None) -> bool:
        """Nobody edits letters."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: DeadLetter | None = None) -> bool:
        """History is kept."""
        return False

    def has_replay_permission(self, request: HttpRequest) -> bool:
        """Replaying and discarding have a permission of their own."""
        return request.user.has_perm("deadletters.replay_deadletter")

    # List

    @admin.display(description="status", ordering="status")
    def state(self, letter: DeadLetter) -> SafeString:
        """Show the status, with an icon beside its text."""
        icon, tone = _LOOKS[LetterStatus(letter.status)]
        look = '<span class="status status--{}"><span class="status-icon" aria-hidden="true">{}</span>{}</span>'
        return format_html(look, tone, icon, letter.status)

    @admin.display(description="message")
    def message(self, letter: DeadLetter) -> SafeString:
        """Show the beginning of the message."""
        return format_html('<span class="clip">{}</span>', letter.error_message[:160])

    @admin.display(description="cost", ordering="cost_usd")
    def cost(self, letter: DeadLetter) -> str:
        """Show what the run had cost."""
        return f"${letter.cost_usd:,.4f}"

    @admin.display(description="failed (UTC)", ordering="failed_at")
    def failed(self, letter: DeadLetter) -> str:
        """Show when it failed."""
        return f"{letter.failed_at:%Y-%m-%d %H:%M}"

    @admin.display(description="cause", ordering="fingerprint")
    def cause(self, letter: DeadLetter) -> SafeString:
        """Link to the letters with the same fingerprint."""
        link = '<a class="mono" href="?q={}" title="All with this cause">{}</a>'
        return format_html(link, letter.fingerprint, letter.fingerprint[:11])

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list, or that all is well."""
        texts = {"title": "Dead letters", "empty_state": EMPTY_STATE}
        response: HttpResponse = super().changelist_view(request, texts | (extra_context or {}))
        return response

    @admin.action(description="Replay selected letters", permissions=["replay"])
    def replay_selected(self, request: HttpRequest, letters: QuerySet[DeadLetter]) -> None:
        """Replay each; one that cannot be does not hold up the others."""
        done = 0
        for letter in letters:
            try:
                replay(letter, user=request.user)
                done += 1
            except Exception as error:
                messages.warning(request, f"Not replayed, {letter}: {_refusal(error)}.")
        if done:
            messages.success(request, f"Replayed: {done}.")

    # Page and verbs

    def get_urls(self) -> list[URLPattern]:
        """Add one address for each verb."""
        name = "deadletters_deadletter"
        return [
            path("<uuid:pk>/replay/", self.admin_site.admin_view(self.replay_view), name=f"{name}_replay"),
            path("<uuid:pk>/discard/", self.admin_site.admin_view(self.discard_view), name=f"{name}_discard"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the page; posting to it is refused."""
        if request.method not in ("GET", "HEAD") or not self.has_view_permission(request):
            raise PermissionDenied
        return self._page(request, self.get_object(request, unquote(object_id)))

    def replay_view(self, request: HttpRequest, pk: UUID) -> HttpResponseBase:
        """Continue the failed run, or start one with other input."""
        letter = self._letter_to_act_on(request, pk)
        if letter is None:
            return HttpResponseNotAllowed(["POST"])
        form = InputForm(request.POST) if "input" in request.POST else None
        if form and not form.is_valid():
            return self._page(request, letter, replay_form=form)
        try:
            run_id = replay(letter, user=request.user, new_input=form and form.cleaned_data["input"])
        except Exception as error:
            refusal = _refusal(error)
            if form and letter.status in LIVE:
                form.add_error("input", refusal)
                return self._page(request, letter, replay_form=form)
            messages.error(request, f"Not replayed: {refusal}.")
            return redirect(_page_of(letter))
        messages.success(request, "Replayed: this run goes on.")
        return redirect(_run_href(run_id) or _page_of(letter))

    def discard_view(self, request: HttpRequest, pk: UUID) -> HttpResponseBase:
        """Close the letter; the run stays failed."""
        letter = self._letter_to_act_on(request, pk)
        if letter is None:
            return HttpResponseNotAllowed(["POST"])
        form = DiscardForm(request.POST)
        if not form.is_valid():
            return self._page(request, letter, discard_form=form)
        try:
            discard(letter, user=request.user, note=form.cleaned_data["note"])
            messages.success(request, "Discarded; the run stays failed.")
        except Exception as error:
            messages.error(request, f"Not discarded: {_refusal(error)}.")
        return redirect(_page_of(letter))

    def _letter_to_act_on(self, request: HttpRequest, pk: UUID) -> DeadLetter | None:
        """Find the letter if this is a POST by somebody who may act."""
        if request.method != "POST":
            return None
        if not self.has_replay_permission(request):
            raise PermissionDenied("This needs the permission deadletters.replay_deadletter.")
        return self.get_object(request, str(pk))

    def _page(self, request: HttpRequest, letter: DeadLetter, **forms_kept: forms.Form) -> TemplateResponse:
        icon, tone = _LOOKS[LetterStatus(letter.status)]
        arguments = _pretty(letter.arguments)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": letter,
            "title": str(letter),
            "has_view_permission": True,
            "may_act": self.has_replay_permission(request),
            "is_live": letter.status in LIVE,
            "letter": letter,
            "look": {"icon": icon, "tone": tone, "label": letter.status},
            "facts": _facts(letter),
            "arguments": _shortened(arguments),
            "effects": _effects(letter),
            "replay_form": InputForm(initial={"input": arguments}, auto_id="replay-%s"),
            "discard_form": DiscardForm(auto_id="discard-%s"),
            **forms_kept,
        }
        return TemplateResponse(request, "admin/deadletters/deadletter/change_form.html", context)


def _refusal(error: Exception) -> str:
    """Say why it was refused. Refusals of any app carry a stable `code`; anything else is a bug and goes on."""
    if isinstance(error, ObjectDoesNotExist):
        return "the run is gone"
    if not isinstance(getattr(error, "code", None), str):
        raise error
    return str(error)


def _page_of(letter: DeadLetter) -> str:
    return reverse("admin:deadletters_deadletter_change", args=[letter.pk])


def _run_href(run_id: UUID | None) -> str:
    try:
        return reverse("admin:runs_run_change", args=[run_id]) if run_id else ""
    except NoReverseMatch:  # nobody shows runs here
        return ""


def _facts(letter: DeadLetter) -> list[tuple[str, str, str]]:
    """Shape: label, value, address or nothing."""
    step = f"{letter.step} {letter.step_name}" if letter.step else ""
    facts = [
        ("Run", f"{letter.job_type} {str(letter.run_id)[:8]}", _run_href(letter.run_id)),
        ("Tenant", letter.tenant, ""),
        ("Failed at step", step, ""),
        ("Attempts", str(letter.attempts), ""),
        ("Cost", f"${letter.cost_usd:,.4f}", ""),
        ("Failed", f"{letter.failed_at:%Y-%m-%d %H:%M:%S} UTC", ""),
        ("Fingerprint", letter.fingerprint, ""),
        ("Replayed", f"{letter.replayed_at:%Y-%m-%d %H:%M:%S} UTC" if letter.replayed_at else "", ""),
        ("Goes on as", str(letter.replayed_as or "")[:8], _run_href(letter.replayed_as)),
        ("Dealt with by", str(letter.decided_by or ""), ""),
        ("Note", letter.note, ""),
    ]
    return [fact for fact in facts if fact[1]]


def _effects(letter: DeadLetter) -> list[tuple[str, list[str]]]:
    """Shape: heading, one line for each effect."""
    effects: dict[str, list[Any]] = json.loads(letter.effects)
    headings = {"done": "Effects that happened", "unknown": "Effects that may have happened"}
    return [(text, [_line(entry) for entry in effects.get(name, [])]) for name, text in headings.items()]


def _line(entry: Any) -> str:
    if not isinstance(entry, dict):
        return str(entry)
    return f"step {entry.get('seq')}: {entry.get('tool')}, effect key {entry.get('effect_key')}"


def _shortened(text: str) -> str:
    if len(text) <= TEXT_MAX_CHARS:
        return text
    return f"{text[:TEXT_MAX_CHARS]}\n… [cut: {len(text):,} characters in all]"


def _pretty(text: str) -> str:
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        return text
