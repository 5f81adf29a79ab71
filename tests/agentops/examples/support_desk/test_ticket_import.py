"""Importing tickets: block by block, and no row twice."""

import pytest

from agentops.examples.support_desk.agents import ImportTickets
from agentops.examples.support_desk.models import Ticket
from runs.registry import Job

ROWS = [{"account": 184, "subject": f"Imported {number}"} for number in range(25)]


@pytest.fixture
def stepping(context):
    """A context that records steps as the engine does."""
    context.recorded = {}

    def step(name, function, *args, effect="unsafe", **kwargs):
        if name not in context.recorded:
            context.recorded[name] = function(*args, **kwargs)
        return context.recorded[name]

    context.step = step
    return context


def test_every_good_row_becomes_an_open_ticket(desk, stepping):
    output = ImportTickets().run(stepping, rows=ROWS)

    assert output == {"imported": 25, "refused": [], "open_tickets": 25 + 7}
    assert Ticket.objects.filter(subject__startswith="Imported", status="open").count() == 25


def test_the_steps_have_names(desk, stepping):
    ImportTickets().run(stepping, rows=ROWS)

    blocks = ["store-block-1", "store-block-2", "store-block-3"]
    assert list(stepping.recorded) == ["check-rows", *blocks, "count-open-tickets"]
    assert stepping.told[-1] == (100, "25 of 25")


def test_a_row_of_an_unknown_account_is_refused_by_its_position(desk, stepping):
    output = ImportTickets().run(stepping, rows=[ROWS[0], {"account": 999, "subject": "Whose?"}])

    assert output["imported"] == 1
    assert output["refused"] == [{"row": 1, "problem": "There is no account 999."}]


def test_a_block_that_is_stored_again_adds_nothing(desk, stepping):
    ImportTickets().run(stepping, rows=ROWS)
    del stepping.recorded["store-block-2"]  # the worker died before it could record this one

    ImportTickets().run(stepping, rows=ROWS)

    assert Ticket.objects.filter(subject__startswith="Imported").count() == 25


def test_rows_are_checked_before_anything_runs():
    job: Job = ImportTickets()

    assert job.input_json_schema["properties"]["rows"]["maxItems"] == 500
