"""Mails: what was told to whom, what still waits, and sending again what was given up."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from runs.admin.kit.formatting import block
from runs.admin.kit.lists import CREATED, Column, badge_column, clip_column, moment_column
from runs.admin.kit.read_only import ReadOnlyAdmin
from runs.admin.kit.tenants import operator_of
from runs.errors import NotPermittedError
from runs.models import Mail
from runs.models.mail import MailQuerySet
from runs.operations.retry_mail import retry_mail

SENT = moment_column("sent_at", "sent")


class MailStateFilter(admin.SimpleListFilter):
    """A filter by what has become of a mail."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer the three states."""
        return [("waiting", "Waiting"), ("sent", "Sent"), ("given_up", "Given up")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Mail]) -> QuerySet[Mail]:
        """Filter the list."""
        assert isinstance(queryset, MailQuerySet)
        states = {"waiting": queryset.waiting, "sent": queryset.sent, "given_up": queryset.given_up}
        return states[self.value() or ""]() if self.value() in states else queryset


@admin.register(Mail)
class MailAdmin(ReadOnlyAdmin[Mail]):
    """Read mails; send again those that were given up."""

    tenant_path = "run__tenant"  # one without a run is seen by superusers only
    list_display = (
        clip_column("subject", "subject"), "addresses", "state_badge", "tries", clip_column("error", "error"),
        CREATED, SENT,
    )  # fmt: skip
    list_filter = (MailStateFilter,)
    search_fields = ("subject", "to")
    fields = (
        "subject", "addresses", "state_badge", "tries", "error", "run", CREATED,
        moment_column("next_try_at", "next try"), SENT, moment_column("given_up_at", "given up"), "text",
    )  # fmt: skip
    empty_state = "No mails yet. Operators are mailed when a run fails for good, if they have an address."
    actions = ("send_selected_again",)

    addresses = Column("to", lambda mail: ", ".join(map(str, mail.to)))
    state_badge = badge_column("state", lambda mail: mail.state)
    text = Column("text", lambda mail: block(mail.body))

    @admin.action(description="Send again the selected mails that were given up", permissions=["act"])
    def send_selected_again(self, request: HttpRequest, mails: QuerySet[Mail]) -> None:
        """Retry the mails that were given up; leave the others alone."""
        waiting, refused = 0, 0
        for mail in mails.select_related("run"):
            try:
                waiting += retry_mail(mail, user=operator_of(request))
            except NotPermittedError:
                refused += 1
        messages.success(request, f"Sent again with the next sweep: {waiting}. Those not given up are left alone.")
        if refused:
            messages.error(request, f"Not sent again: {refused}. It needs the role operator or admin in the tenant.")
