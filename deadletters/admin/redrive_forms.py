"""The forms to plan a redrive: by a filter, or of dead letters chosen in the list."""

from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError

from deadletters.redrive.options import (
    CANARY_MAX,
    CONCURRENCY_MAX,
    RATE_MAX_PER_S,
    RATE_MIN_PER_S,
    RedriveOptions,
    Selection,
)
from runs.admin.kit.forms import UtcField

_DEFAULT = RedriveOptions()
_MOMENT = ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"]


class OptionsForm(forms.Form):
    """How fast it sends, how many at once, and when it must stop."""

    rate_per_s = forms.FloatField(
        min_value=RATE_MIN_PER_S, max_value=RATE_MAX_PER_S, initial=_DEFAULT.rate_per_s, label="Letters a second"
    )
    concurrency = forms.IntegerField(
        min_value=1,
        max_value=CONCURRENCY_MAX,
        initial=_DEFAULT.concurrency,
        label="Replayed runs that may be under way at once",
    )
    canary = forms.IntegerField(
        min_value=1, max_value=CANARY_MAX, initial=_DEFAULT.canary, label="Canary: this many first, then wait and judge"
    )
    stop_above_percent = forms.IntegerField(
        min_value=0, max_value=100, initial=_DEFAULT.stop_above_percent, label="Stop when more than this % fail again"
    )

    def options(self) -> RedriveOptions:
        """Return how to send."""
        return RedriveOptions(**{name: self.cleaned_data[name] for name in OptionsForm.base_fields})


class FilterForm(OptionsForm):
    """Select open dead letters by common properties."""

    fingerprint = forms.CharField(max_length=64, required=False, label="Fingerprint of the cause")
    job_type = forms.CharField(max_length=100, required=False)
    # The metaclass removes declared fields from the class, so this does not hide `BaseForm.error_class`.
    error_class = forms.CharField(max_length=200, required=False)  # type: ignore[assignment]  # Form has one
    tenant = forms.CharField(max_length=64, required=False)
    failed_after = UtcField(input_formats=_MOMENT, required=False, label="Failed at or after (UTC)")
    failed_before = UtcField(input_formats=_MOMENT, required=False, label="Failed before (UTC)")

    field_order = ["fingerprint", "job_type", "error_class", "tenant", "failed_after", "failed_before"]

    def selection(self) -> Selection:
        """Which letters are meant."""
        return Selection(**{name: self.cleaned_data[name] for name in FilterForm.field_order or ()})


class ChosenForm(OptionsForm):
    """Select dead letters chosen one by one."""

    ids = forms.CharField(widget=forms.HiddenInput)

    def clean_ids(self) -> tuple[UUID, ...]:
        """Read the ids. Raises: ValidationError if one is invalid."""
        try:
            return tuple(UUID(text) for text in self.cleaned_data["ids"].split(","))
        except ValueError as error:
            raise ValidationError("Choose the letters again in the list: these are no ids.") from error

    def selection(self) -> Selection:
        """Which letters are meant."""
        return Selection(ids=self.cleaned_data["ids"])


def form_for(data: Any) -> FilterForm | ChosenForm:
    """Read the posted form: chosen dead letters, or a filter."""
    return ChosenForm(data) if "ids" in data else FilterForm(data)
