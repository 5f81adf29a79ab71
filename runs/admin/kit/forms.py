"""Forms of the console: rows that people write by hand, the fields they need, and errors said at their fields."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.contrib.admin.widgets import AutocompleteSelect, RelatedFieldWidgetWrapper
from django.core.exceptions import ValidationError
from django.db.models import DecimalField, ForeignKey, Model, QuerySet
from django.forms import ModelChoiceField
from django.http import HttpRequest
from django.utils import timezone

from runs.admin.kit import formatting
from runs.admin.kit.lists import M
from runs.admin.kit.read_only import ListedAdmin
from runs.admin.kit.tenants import administers, tenants_of
from runs.declarations.catalog import job_types
from runs.declarations.job_types import Agent
from runs.errors import InvalidInputError
from runs.models import Role, Tenant

JSON_MAX_CHARS = 300_000
NOTE_MAX_CHARS = 4000


def whole_number(text: str) -> int | None:
    """Read a whole number that any column holds; None if it is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def form_with(**fields: forms.Field) -> type[forms.Form]:
    """Make a form of these fields."""
    return type("FormWithFields", (forms.Form,), fields)


def note_field(label: str, *, required: bool = True) -> forms.CharField:
    """Make a field for a note."""
    return forms.CharField(required=required, max_length=NOTE_MAX_CHARS, label=label)


def short_text_field(label: str, **options: Any) -> forms.CharField:
    """Make a field for a sentence or two."""
    return forms.CharField(max_length=NOTE_MAX_CHARS, widget=forms.Textarea(attrs={"rows": 2}), label=label, **options)


class NoteForm(forms.Form):
    """A word about it."""

    note = note_field("Note", required=False)


class UtcField(forms.DateTimeField):
    """A time that people type in UTC, as its label says, whatever the project's TIME_ZONE is."""

    def to_python(self, value: Any) -> datetime | None:
        """Read it. Raises: ValidationError."""
        with timezone.override(UTC):
            moment: datetime | None = super().to_python(value)
            return moment


class AmountField(forms.DecimalField):
    """An amount: 9.00, not 9.00000000."""

    def prepare_value(self, value: Any) -> Any:
        """Write a stored amount; what somebody typed stays as it is."""
        return formatting.amount(value) if isinstance(value, Decimal) else value


class EditedAdmin(ListedAdmin[M]):
    """A list, and forms in which rows are added and changed."""

    labels: ClassVar[Mapping[str, str]] = {}  # of fields whose names are no words
    formfield_overrides: ClassVar[Any] = {DecimalField: {"form_class": AmountField}}

    def get_form(self, request: HttpRequest, obj: M | None = None, change: bool = False, **kwargs: Any) -> Any:
        """Label the fields, those that are only read too."""
        return super().get_form(request, obj, change, **{"labels": self.labels} | kwargs)

    def get_fields(self, request: HttpRequest, obj: M | None = None) -> Any:
        """Leave out of the form of a new row what is known only of one that exists."""
        fields = super().get_fields(request, obj)
        return fields if obj else [name for name in fields if name not in self.readonly_fields]

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Tenants are written on their own page, not from here."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "tenant" and field and isinstance(field.widget, RelatedFieldWidgetWrapper):
            field.widget = field.widget.widget
        return field


class OwnTenantsAdmin(EditedAdmin[M]):
    """Forms of records that a tenant's admins write, and superusers for every tenant: those alone leave it empty."""

    # Adding is bounded by the tenants that the form offers.

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        """An admin of its tenant; for every tenant, a superuser."""
        return super().has_change_permission(request, obj) and _may_write(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        """As changing it."""
        return super().has_delete_permission(request, obj) and _may_write(request, obj)

    def formfield_for_foreignkey(
        self, db_field: "ForeignKey[Any, Any]", request: HttpRequest, **kwargs: Any
    ) -> "ModelChoiceField[Model] | None":
        """Offer the tenants that the user administers."""
        if db_field.name == "tenant":
            may_be_empty = db_field.null and request.user.is_superuser
            kwargs |= {"queryset": tenants_of(request, Role.ADMIN), "required": not may_be_empty}
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


def _may_write(request: HttpRequest, record: Any) -> bool:
    return record is None or administers(request, record.tenant_id)


def add_errors(form: forms.Form, error: InvalidInputError) -> None:
    """Put each problem at its field; `arguments.amount` belongs to `arguments`, and names what is inside it."""
    for name, problems in error.errors.items():
        outer, _, inner = name.partition(".")
        for problem in problems:
            if outer in form.fields:
                form.add_error(outer, f"{inner}: {problem}" if inner else problem)
            elif inner in form.fields:
                form.add_error(inner, problem)
            else:
                form.add_error(None, f"{name}: {problem}")


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


class SearchedSelect(AutocompleteSelect):
    """Django's widget; a key that cannot be one is shown as an error of the form, where Django's crashes."""

    def optgroups(self, name: str, value: Sequence[str], attr: Any = None) -> Any:
        """List what is chosen: of what was posted, only what may be a key."""
        return super().optgroups(name, [key for key in value if not key or self._may_be_key(key)], attr)

    def _may_be_key(self, text: str) -> bool:
        try:
            self.field.target_field.clean(text, None)
        except ValidationError:
            return False
        return True


class TenantForm(forms.Form):
    """A form about one of the `tenants`; those who may decide `everywhere` may leave it empty."""

    tenant = forms.ModelChoiceField(queryset=Tenant.objects.none(), empty_label="every tenant")

    def __init__(self, *args: Any, tenants: QuerySet[Tenant], everywhere: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        tenant: Any = self.fields["tenant"]
        tenant.queryset, tenant.required = tenants, not everywhere
        if not everywhere:
            tenant.empty_label = "choose one"


class SelectorForm(TenantForm):
    """All that is chosen must fit a run; what is left open fits every one."""

    queue = forms.ChoiceField(required=False)
    job_type = forms.ChoiceField(required=False)
    model = forms.ChoiceField(required=False)
    tool = forms.ChoiceField(required=False)
    field_order = ["queue", "job_type", "model", "tool", "tenant"]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for name, values in _declared().items():
            field: Any = self.fields[name]
            field.choices = [("", "any"), *((value, value) for value in sorted(values))]


def _declared() -> dict[str, set[str]]:
    """What is offered for each field."""
    declared = list(job_types())
    agents = [job_type for job_type in declared if isinstance(job_type, Agent)]
    return {
        "queue": {job_type.queue for job_type in declared},
        "job_type": {job_type.name for job_type in declared},
        "model": {agent.model for agent in agents},
        "tool": {tool for agent in agents for tool in agent.tools_by_name},
    }
