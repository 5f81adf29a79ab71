"""The rows of the desk in the admin: to look at what agents did. Only accounts can be edited."""

from typing import Any

from django.contrib import admin

from agentops.examples.support_desk.models import Account, CrmNote, Invoice, OutboxMail, Refund, Ticket


class LookOnlyAdmin(admin.ModelAdmin[Any]):
    """Rows that only tools write: what an agent did stays as it was."""

    def has_add_permission(self, request: Any) -> bool:
        """Refuse: tools add rows."""
        return False

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        """Refuse: what an agent did stays as it was."""
        return False

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        """Refuse, for the same reason."""
        return False


admin.site.register(
    Account,
    list_display=["number", "name", "plan", "monthly_usd", "renewal_date", "renewal_stage"],
    list_filter=["plan", "renewal_stage"],
    search_fields=["number", "name"],
)
admin.site.register(
    Invoice,
    LookOnlyAdmin,
    list_display=["number", "account", "amount_usd", "refunded_usd", "issued_on", "paid"],
    list_select_related=["account"],
    list_filter=["paid"],
    search_fields=["number", "account__name"],
)
admin.site.register(
    Ticket,
    LookOnlyAdmin,
    list_display=["subject", "account", "status", "opened_at"],
    list_select_related=["account"],
    list_filter=["status"],
    search_fields=["subject", "account__name"],
)
admin.site.register(
    CrmNote,
    LookOnlyAdmin,
    list_display=["text", "kind", "account", "effect_key", "created_at"],
    list_select_related=["account"],
    list_filter=["kind"],
    search_fields=["text", "effect_key"],
)
admin.site.register(
    Refund,
    LookOnlyAdmin,
    list_display=["invoice", "amount_usd", "reason", "effect_key", "created_at"],
    list_select_related=["invoice"],
    search_fields=["invoice__number", "effect_key"],
)
admin.site.register(
    OutboxMail,
    LookOnlyAdmin,
    list_display=["subject", "to", "account", "effect_key", "sent_at"],
    list_select_related=["account"],
    search_fields=["subject", "effect_key"],
)
