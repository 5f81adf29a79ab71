"""Prices: the operator's own, which outrank genai-prices. They belong to no tenant."""

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest

from runs import clock
from runs.admin.kit import formatting
from runs.admin.kit.forms import EditedAdmin
from runs.admin.kit.lists import CREATED, badge_column, clip_column, column, moment_column
from runs.models import Price

VALID_FROM = moment_column("valid_from", "in force from")
_RATES = {
    "input_usd": "input",
    "output_usd": "output",
    "cache_read_usd": "cache read",
    "cache_write_usd": "cache write",
    "cache_write_1h_usd": "cache write, 1 h",
    "web_searches_usd": "web searches",
}
_COLUMNS = [column(name, label, formatting.dollars) for name, label in _RATES.items()]
BATCH_FACTOR = column("batch_factor", "batch", lambda factor: f"\u00d7 {factor.normalize():f}")


@admin.register(Price)
class PriceAdmin(EditedAdmin[Price]):
    """Read and add prices; edit or delete those that are not in force yet."""

    tenant_path = None
    list_display = (
        "model", "state", *_COLUMNS[:5], BATCH_FACTOR, VALID_FROM, clip_column("note", "note"),
    )  # fmt: skip
    list_filter = ("provider",)
    list_select_related = ("created_by",)
    search_fields = ("model", "note")
    fields: ClassVar[Any] = ("provider", "model", *_RATES, "batch_factor", "valid_from", "note", "created_by", CREATED)
    readonly_fields: ClassVar[Any] = ("created_by", CREATED)
    fields_in_force = ("provider", "model", *_COLUMNS, BATCH_FACTOR, VALID_FROM, "note", "created_by", CREATED)
    labels: ClassVar[Any] = {name: f"{label.capitalize()}, USD" for name, label in _RATES.items()} | {
        "valid_from": "In force from"
    }
    hint = (
        "A price in force is never edited, since calls were made at it: add a newer row. It holds within a second, "
        "in every process."
    )
    empty_state = "No prices of your own: those of genai-prices hold."
    actions = None  # deleting by the dozen would not ask for each whether it is in force

    state = badge_column("state", lambda price: "in_force" if _is_in_force(price) else "to_come")

    def get_fields(self, request: HttpRequest, obj: Price | None = None) -> Any:
        """Write amounts that are only read as in the list."""
        return self.fields_in_force if _is_in_force(obj) else super().get_fields(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Price | None = None) -> bool:
        """Refuse to edit a row in force."""
        return super().has_change_permission(request, obj) and not _is_in_force(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Price | None = None) -> bool:
        """Refuse to delete a row in force."""
        return super().has_delete_permission(request, obj) and not _is_in_force(obj)

    def save_model(self, request: HttpRequest, obj: Price, form: Any, change: bool) -> None:
        """Note who has added it."""
        if not change:
            obj.created_by_id = request.user.pk
        super().save_model(request, obj, form, change)


def _is_in_force(price: Price | None) -> bool:
    return price is not None and price.valid_from <= clock.now()
