"""The runs that the demo posts, each with a different fate."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Fate:
    """One posted run: what it is, what the smoke test decides, and how it must end."""

    title: str
    job_type: str
    input: dict[str, Any]
    ends: str = "completed"
    decide: str = ""  # "approve", "reject" or "answer", for the action that it opens
    is_retried: bool = False  # its provider refuses it once
    steps: tuple[str, ...] = field(default=())  # tools that must be recorded as completed, in this order


FATES = (
    Fate(
        "summary of an account",
        "account_summary",
        {"account": 184},
        steps=("account_profile", "fetch_invoices", "last_tickets"),
    ),
    Fate("renewal notes, saved in the CRM", "renewal_notes", {"account": 207}),
    Fate("research, rate-limited once", "account_research", {"account": 311}, is_retried=True),
    Fate(
        "refund, approved",
        "refund",
        {"invoice": 1007, "reason": "charged twice"},
        decide="approve",
        steps=("issue_refund",),
    ),
    Fate("follow-up email, rejected", "follow_up_email", {"account": 184, "topic": "renewal"}, decide="reject"),
    Fate("follow-up email, approved", "follow_up_email", {"account": 207, "topic": "open invoice"}, decide="approve"),
    Fate("test suite of a project", "run_tests", {"project": "checkout"}, steps=("run_test_command",)),
    Fate("a question to a person", "support_chat", {"text": "My invoice looks wrong."}, decide="answer"),
    Fate("refused by the model", "account_summary", {"account": 666}, ends="failed"),
)

SLOW = Fate(
    "long test suite, its worker killed",
    "run_tests",
    {"project": "slow_suite"},
    steps=("run_test_command",),
)
