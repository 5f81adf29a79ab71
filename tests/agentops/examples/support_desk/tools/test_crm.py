"""Writing into the CRM: once per effect key."""

import pytest

from agentops.examples.support_desk.models import Account, CrmNote
from agentops.examples.support_desk.tools import save_crm_note, update_crm
from runs.registry import ToolError


def test_a_note_saved_twice_under_one_key_is_there_once(desk, context):
    said = [save_crm_note(context, account="184", kind="renewal", text="Offer two years.") for _ in range(2)]

    assert CrmNote.objects.filter(effect_key="run-1").count() == 1
    assert said[0] == said[1]


def test_another_key_saves_another_note(desk, context):
    for context.effect_key in ("run-1", "run-2"):
        save_crm_note(context, account="184", kind="call", text="Called.")

    assert CrmNote.objects.filter(text="Called.").count() == 2


@pytest.mark.parametrize("text", ["", "  ", "x" * 2001])
def test_an_empty_or_endless_note_is_refused(desk, context, text):
    with pytest.raises(ToolError):
        save_crm_note(context, account="184", kind="call", text=text)


def test_the_look_up_finds_nothing_before_an_update(desk, context):
    assert update_crm.verify(context, {}) is None


def test_the_look_up_returns_what_the_update_said(desk, context):
    said = update_crm(context, account="184", renewal_stage="contacted")

    assert update_crm.verify(context, {}) == said
    assert Account.objects.get(number=184).renewal_stage == "contacted"


def test_an_update_that_fails_leaves_no_trace(desk, context):
    with pytest.raises(ToolError):
        update_crm(context, account="999", renewal_stage="lost")

    assert update_crm.verify(context, {}) is None


def test_the_model_is_told_the_stages():
    stages = update_crm.definition["input_schema"]["properties"]["renewal_stage"]["enum"]

    assert stages == ["open", "contacted", "agreed", "lost"]
