"""Pauses: what does not start for now, by whom, why and until when."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone

from runs.admin.kit.forms import SelectorForm, UtcField, short_text_field
from runs.admin.kit.lists import Column, badge_column, clip_column, column, moment_column
from runs.admin.kit.tenants import TenantFilter, operator_of
from runs.admin.kit.verbs import FormPageAdmin
from runs.models import Pause
from runs.operations.pauses import covers, end_pause, overlapping, pause
from runs.operations.permissions import OPERATORS


class PauseForm(SelectorForm):
    """What is paused, why, until when."""

    reason = short_text_field("Why", help_text="Runs say it while they wait.")
    until = UtcField(
        required=False, label="Until (UTC)", help_text="As 2026-12-24 18:00. Empty: until somebody ends it."
    )


def _state_of(paused: Pause) -> str:
    over = paused.ended_at or (paused.until and paused.until <= timezone.now())
    return "ended" if over else "paused"


def _end(request: HttpRequest, paused: Pause) -> str:
    end_pause(paused, user=operator_of(request))
    others = list(overlapping(paused))
    if covering := [other for other in others if covers(other, paused)]:
        return f"Ended. {paused} still does not start: {_listed(covering)} is paused, too."
    if others:
        return f"Ended: {paused} starts again, except what else is paused: {_listed(others)}."
    return f"Ended: {paused} starts again."


def _listed(paused: Sequence[Pause]) -> str:
    return "; ".join(str(one) for one in paused)


@admin.register(Pause)
class PauseAdmin(FormPageAdmin[Pause]):
    """Pause, read why, let it go on."""

    general_rows = True
    list_display = (
        "state", "what", clip_column("reason", "reason"), column("paused_by", "paused by"),
        moment_column("paused_at", "since"), moment_column("until", "until", empty="it is ended"),
        column("ended_by", "ended by", empty=""),
    )  # fmt: skip
    list_display_links = ("what",)
    list_filter = ("queue", ("tenant", TenantFilter))
    list_select_related = ("tenant", "paused_by", "ended_by")
    search_fields = ("queue", "job_type", "model", "tool", "reason")
    empty_state = "Nothing was ever paused."
    hint = "Running jobs finish; nothing new starts."
    form_verb = "pause"
    form_title = "Pause something"
    form_hint = "Running jobs finish; nothing new of it starts until the pause ends."
    form_class = PauseForm
    form_roles = OPERATORS
    verbs = {"end": _end}

    state = badge_column("state", _state_of)
    what = Column("what", str)

    def page_context(self, request: HttpRequest, record: Pause) -> dict[str, Any]:
        """Whether it holds."""
        return {"holds": _state_of(record) == "paused"}

    def call_operation(self, request: HttpRequest, said: dict[str, Any]) -> str:
        """Pause it."""
        paused = pause(Pause(**said), user=operator_of(request))
        return f"Paused: {paused}. Running jobs finish; nothing new starts."
