"""What is read and written by hand is what the ORM would read and write."""

from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import connection, transaction

from runs import clock
from runs.models import Run
from runs.models.prepared_statements import prepared_cursor
from runs.models.sql import RowMapper
from runs.queue.claim import claim_next

pytestmark = pytest.mark.django_db


def read_by_hand(pk):
    reader = RowMapper(Run, alias="r")
    with prepared_cursor() as cursor:
        cursor.execute(f'SELECT {reader.columns} FROM "runs_run" r WHERE r."fence" < %s', [5])
        return next(run for run in map(reader.read, cursor.fetchall()) if run.pk == pk)


def test_a_row_read_by_hand_is_the_object_that_the_orm_reads(post):
    run = post("clerk")
    metadata = {"z": [1, None, "ü"], "a": {"é": 1.5}}
    Run.objects.filter(pk=run.pk).update(
        metadata=metadata, max_cost_usd=Decimal("1.25"), worker=uuid4(), started_at=clock.Now(), output=None
    )

    by_hand, by_orm = read_by_hand(run.pk), Run.objects.get(pk=run.pk)

    for field in Run._meta.concrete_fields:
        mine, theirs = getattr(by_hand, field.attname), getattr(by_orm, field.attname)
        assert (mine, type(mine)) == (theirs, type(theirs)), field.name
    assert by_hand.metadata == metadata
    assert not by_hand._state.adding


@pytest.mark.django_db(transaction=True)
def test_on_postgresql_a_statement_that_comes_again_is_prepared_whatever_the_size_of_its_numbers(post):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite's driver keeps its statements by itself")
    post("clerk")

    with transaction.atomic(), prepared_cursor() as cursor:
        for number in (1, 40_000, 2**40):
            cursor.execute('SELECT %s + COUNT(*) AS "told" FROM "runs_run"', [number])
            assert cursor.fetchone() == (number + 1,)
        cursor.execute("SELECT statement FROM pg_prepared_statements WHERE statement LIKE %s", ["%told%runs_run%"])
        assert len(cursor.fetchall()) == 1


def test_a_statement_made_by_hand_writes_a_percent_sign_twice():
    with prepared_cursor() as cursor:
        for word in ("ten", "20"):  # the second time its translation is remembered
            cursor.execute("SELECT CAST(%s AS text) || '%%'", [word])
            assert cursor.fetchone() == (f"{word}%",)


def test_a_claimed_run_knows_what_the_row_says(post):
    run = post("clerk")

    claimed, lease = claim_next(["agents"], worker_id=uuid4(), worker_name="w")

    run.refresh_from_db()
    assert (claimed.status, claimed.fence, claimed.input) == (run.status, run.fence, run.input)
    assert claimed.started_at == run.started_at == lease.claimed_at_db
    assert claimed.tenant == run.tenant
