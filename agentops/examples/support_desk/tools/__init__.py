"""The tools of the support desk, one module for each thing they touch."""

from agentops.examples.support_desk.tools.crm import save_crm_note, update_crm
from agentops.examples.support_desk.tools.desk import (
    account_profile,
    fetch_invoices,
    find_invoice,
    last_tickets,
    search_notes,
)
from agentops.examples.support_desk.tools.mail import send_email
from agentops.examples.support_desk.tools.project_tests import run_test_command
from agentops.examples.support_desk.tools.refunds import issue_refund

__all__ = [
    "account_profile",
    "fetch_invoices",
    "find_invoice",
    "issue_refund",
    "last_tickets",
    "run_test_command",
    "save_crm_note",
    "search_notes",
    "send_email",
    "update_crm",
]
