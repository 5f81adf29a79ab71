"""JSON as people type it."""

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

JSON_MAX_CHARS = 300_000


class JSONTextField(forms.CharField):
    """JSON in a text area. What was typed stays as it was typed when it is wrong; absent means None."""

    widget = forms.Textarea(attrs={"rows": 8, "class": "code", "spellcheck": "false"})

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=JSON_MAX_CHARS, **options)

    def clean(self, value: Any) -> Any:
        """Read the text. Raises: ValidationError that says where the JSON breaks off."""
        if value is None:
            return None
        text = super().clean(value)
        try:
            return json.loads(text, parse_constant=_refuse_constant) if text else None
        except (ValueError, RecursionError) as error:
            raise ValidationError(f"This is not JSON: {error}") from error


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON value")
