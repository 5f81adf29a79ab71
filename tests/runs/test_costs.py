"""`manage.py costs`: a table for people, JSON and CSV for programs, and refusals that name the option."""

import csv
import json
from datetime import timedelta
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from runs import clock
from tests.runs.ledger import spend

pytestmark = pytest.mark.django_db


def told(*options: str) -> str:
    said = StringIO()
    call_command("costs", *options, stdout=said)
    return said.getvalue()


@pytest.fixture
def spent(post):
    run, now = post("clerk"), clock.now()
    spend(run, at=now - timedelta(minutes=5), cost="0.25", input_tokens=1234, saved_by_cache_usd=Decimal("0.0625"))
    spend(run, at=now - timedelta(days=3), cost="1.50", model="[red]opus[/red]")


def test_the_table_has_a_line_for_each_row_and_one_for_the_total(spent):
    table = told("--by", "model,tenant")

    lines = [[cell.strip() for cell in line.split("│")[1:-1]] for line in table.splitlines() if "│" in line]
    assert [line[:4] for line in lines] == [
        ["[red]opus[/red]", "acme", "1", "0"],
        ["claude-sonnet-5-5", "acme", "1", "1,234"],
        ["total", "", "2", "1,234"],
    ]
    assert lines[-1][4:] == ["1.7500", "0.0625"]
    assert "saved by cache" in table and "saved by batch" not in table, "columns with nothing in them are left out"


def test_a_span_and_a_tenant_narrow_it(spent):
    (row,) = json.loads(told("--since", "1d", "--tenant", "acme", "--format", "json"))["results"]

    assert (row["model"], row["cost_usd"]) == ("claude-sonnet-5-5", "0.25")


def test_csv_has_a_line_of_names_and_one_for_each_row(spent):
    rows = list(csv.DictReader(StringIO(told("--by", "job_type", "--format", "csv"))))

    assert [(row["job_type"], row["calls"], row["cost_usd"]) for row in rows] == [("clerk", "2", "1.75")]


def test_without_calls_it_says_so():
    assert told().startswith("No model call was made in this time. (")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--by", "colour"], "--by: there is no key 'colour'; give some of tenant, user"),
        (["--since", "yesterday"], "--since: give a span such as 30d"),
        (["--until", "x"], "--until: give a span such as 30d"),
        (["--since", "1h", "--until", "2h"], "--since: must lie before `until`"),
        (["--tenant", "nobody"], "--tenant: there is no tenant 'nobody'; leave it out"),
        (["--format", "xml"], "--format: 'xml' is none; give table, json, csv"),
    ],
)
def test_an_option_that_does_not_fit_is_named_with_its_remedy(options, says):
    with pytest.raises(CommandError) as refused:
        told(*options)

    assert says in str(refused.value) and refused.value.returncode == 2
