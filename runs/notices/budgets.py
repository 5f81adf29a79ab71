"""Mails about budgets that have reached their soft threshold."""

from django.contrib.auth import get_user_model

from runs.models import BudgetPeriod, Membership, Role
from runs.models.mail import post_mail
from runs.models.people import mailable, members_to_mail
from runs.notices.pages import page_of


def mail_threshold(period: BudgetPeriod) -> None:
    """Mail the admins of the tenant, or the superusers if the budget is for all tenants."""
    budget = period.budget
    spent, ceiling = f"{period.spent_usd:,.2f}", f"{period.ceiling_usd:,.2f}"
    until = f", until {period.ends_at:%Y-%m-%d %H:%M} UTC at the latest" if period.ends_at else ""
    lines = [
        f"{spent} of {ceiling} USD are spent ({budget.soft_percent} % was the threshold).",
        f"Calls that do not fit into what is left wait for a person{until}.",
        page_of("budget", period.budget_id),
    ]
    subject = f"[agentops] {budget.soft_percent} % of a budget is spent: {budget}"
    if budget.tenant_id is None:
        people = mailable(get_user_model()._default_manager.filter(is_superuser=True, is_active=True))
    else:
        people = members_to_mail(Membership.objects.filter(tenant=budget.tenant_id, role=Role.ADMIN))
    post_mail(people, subject, "\n\n".join(line for line in lines if line))
