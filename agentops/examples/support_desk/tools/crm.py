"""Tools that write into the CRM. A call that is made twice under one effect key changes nothing the second time."""

from typing import Any, Literal

from django.db import transaction

from agentops.examples.support_desk.context import Context
from agentops.examples.support_desk.lookups import account_numbered
from agentops.examples.support_desk.models import CrmNote
from runs.registry import ToolError, tool

NOTE_MAX_CHARS = 2000


@tool(effect="idempotent", timeout_s=10)
def save_crm_note(context: Context, account: str, kind: Literal["call", "renewal", "research"], text: str) -> str:
    """Save a note about an account, for colleagues to read before they next talk to the customer.

    `account` is the account number, such as "184". Keep `text` below 2000 characters, plain sentences.
    """
    if not text.strip() or len(text) > NOTE_MAX_CHARS:
        raise ToolError(f"A note has 1 to {NOTE_MAX_CHARS} characters, this one {len(text)}.")
    row = account_numbered(account)
    CrmNote.objects.get_or_create(effect_key=context.effect_key, defaults={"account": row, "kind": kind, "text": text})
    return f"The {kind} note for account {row.number} is saved."


def find_update(context: Context, arguments: dict[str, Any]) -> str | None:
    """Look up whether `update_crm` has already happened: it leaves a note under its effect key."""
    note = CrmNote.objects.filter(effect_key=context.effect_key).first()
    return note.text if note else None


@tool(effect="verifiable", verify=find_update, timeout_s=10)
def update_crm(context: Context, account: str, renewal_stage: Literal["open", "contacted", "agreed", "lost"]) -> str:
    """Set the renewal stage of an account. The change is noted in the account's history.

    `account` is the account number, such as "184".
    """
    with transaction.atomic():
        row = account_numbered(account)
        said = f"The renewal stage of account {row.number} went from {row.renewal_stage} to {renewal_stage}."
        CrmNote.objects.create(account=row, kind="update", text=said, effect_key=context.effect_key)
        row.renewal_stage = renewal_stage
        row.save(update_fields=["renewal_stage"])
    return said
