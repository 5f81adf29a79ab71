"""The support desk as an app: installed when `AGENTOPS_EXAMPLES=1`."""

from django.apps import AppConfig


class SupportDeskConfig(AppConfig):
    """Customers, their invoices and tickets, and the agents that look after them."""

    name = "agentops.examples.support_desk"
    label = "support_desk"
    verbose_name = "Support desk (example)"
    default_auto_field = "django.db.models.BigAutoField"
