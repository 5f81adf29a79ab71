"""What the console's templates ask for."""

from typing import Any

from django.contrib.admin import ListFilter
from django.template import Library
from django.template.loader import render_to_string

from runs.conf import conf

register = Library()


@register.simple_tag
def answers_are_scripted() -> bool:
    """Say whether the offline model answers."""
    return conf().offline_model


@register.simple_tag
def console_filter(changelist: Any, spec: ListFilter) -> str:
    """Show a filter as the console does, unless it brings a template of its own."""
    template = "admin/runs/filter.html" if spec.template == ListFilter.template else spec.template
    choices = list(spec.choices(changelist))
    return render_to_string(template, {"title": spec.title, "choices": choices, "spec": spec})
