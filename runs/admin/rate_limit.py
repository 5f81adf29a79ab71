"""Rate limits of the model providers. They belong to no tenant; an edit takes effect within a second."""

from typing import Any, ClassVar

from django.contrib import admin

from runs.admin.kit import formatting
from runs.admin.kit.forms import EditedAdmin
from runs.admin.kit.lists import Column, clip_column, column
from runs.models import RateLimit
from runs.operations.rate_limit_left import left_of

_LIMITS = {
    "requests_per_minute": "requests / min",
    "input_tokens_per_minute": "input tokens / min",
    "output_tokens_per_minute": "output tokens / min",
}
_COLUMNS = [column(name, label, "{:,}".format, empty="no limit") for name, label in _LIMITS.items()]


def _left_now(rate_limit: RateLimit) -> str:
    """Say what may be used at once, and at which rate more comes in. Negative: taken ahead."""
    lines = [f"{one.word}: {one.left:,.0f}, +{one.per_minute:,.0f} a minute" for one in left_of(rate_limit)]
    return "\n".join(lines) or "not in use: another provider or workspace"


@admin.register(RateLimit)
class RateLimitAdmin(EditedAdmin[RateLimit]):
    """Read, add and edit rate limits, and see what they have left."""

    tenant_path = None
    list_display = (
        "__str__", *_COLUMNS, column("ramp_s", "ramp", formatting.seconds), "left_now", clip_column("note", "note"),
    )  # fmt: skip
    list_filter = ("provider",)
    search_fields = ("model_class", "note")
    fields: ClassVar[Any] = ("provider", "workspace", "model_class", *_LIMITS, "ramp_s", "note", "left_now")
    readonly_fields: ClassVar[Any] = ("left_now",)
    labels: ClassVar[Any] = {"model_class": "Models", "ramp_s": "Ramp, in seconds"}
    hint = (
        "A call must fit into every row that its model's name begins with. Write what your provider's console shows, "
        "or less: rate limit headers lower a row for five minutes, and never raise it. An edit takes effect within a "
        "second, in every process."
    )
    empty_state = "No rate limits: models are called as fast as there are slots."

    left_now = Column("left now", _left_now)
