"""Write the kept database anew: `KEPT=FILE python -m pytest tests/kept/make_database.py`, with `tests.on_postgres` too.

Only ever run on the code of the release whose database it is to be; what is in `tests/kept/` is never made again from
newer code. Not collected with the tests, for its name does not begin with `test_`.
"""

import json
import os
import sqlite3
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone
from psycopg.sql import Literal

from deadletters.decisions import assign, discard
from deadletters.models import DeadLetter
from deadletters.redrive.options import Selection
from deadletters.redrive.plan import plan
from deadletters.replay import replay
from runs import clock
from runs.conf import conf
from runs.invariants.every import breaches
from runs.maintenance.batches.tend import tend_batches
from runs.models import ApprovalRule, Budget, Limit, Pause, PendingAction, Run
from runs.operations.accounts import make_member, make_tenant, make_token
from runs.operations.actions.answer import answer
from runs.operations.actions.approve import approve
from runs.operations.actions.reject import reject
from runs.operations.actions.rules import grant_rule
from runs.operations.budgets import make_budget
from runs.operations.cancel_run import cancel_run
from runs.operations.limits import set_limit
from runs.operations.pauses import end_pause, pause
from runs.operations.revoke_tool import revoke_tool
from runs.queue.claim import claim_next
from runs.registry import TransientError, UnknownOutcomeError
from tests.testapp.agents import FAIL


def say(text):
    return {"type": "text", "text": text}


def use(name, **arguments):
    return {"type": "tool_use", "name": name, "input": arguments}


SCRIPTS = [
    {"when": {"first_user_contains": first}, "turns": [{"content": blocks} for blocks in turns]}
    for first, turns in {
        "look": [[use("look_up", key="a")], [say("Looked.")]],
        "refund": [[use("refund", order_id="1", amount_usd=2.0)], [say("Refunded.")]],
        "lost": [[use("send", to="a@example.com")], [say("Sent.")]],
        "ask": [[use("ask_human", question="Which?")], [say("Thanks.")]],
        "plain": [[say("Hi.")]],
    }.items()
] + [{"when": {"first_user_contains": "bad"}, "turns": [{"content": [], "stop_reason": "refusal"}]}]


@pytest.mark.django_db(transaction=True)
def test_write_the_kept_database(offline, post, work, tenant, settings):
    offline(*SCRIPTS)
    anna, root = people(tenant)
    what_holds(tenant, root)
    what_has_ended(post, work, anna, root)
    what_waits(post, work, anna, settings)

    print(sorted(Run.objects.values_list("status", flat=True)))
    print(sorted(PendingAction.objects.values_list("kind", "status")))
    assert list(breaches(look_again_after_s=0)) == []
    write(Path(os.environ["KEPT"]))


def people(tenant):
    make_token(tenant_slug="acme", username="anna")
    root = make_member(tenant, "root")
    root.is_superuser = root.is_staff = True
    root.save()
    return make_member(tenant, "anna"), root


def what_holds(tenant, root):
    """Budgets, limits, pauses, revoked tools and approval rules."""
    make_budget(Budget(limit_usd=Decimal(50), period="day", tenant=tenant))
    make_budget(Budget(limit_usd=Decimal(500), period="month", tenant=None))
    set_limit(Limit(tenant=tenant, queue="agents", most=50), user=root)
    set_limit(Limit(tool="look_up", most=100, kind="rate", per_s=60), user=root)
    set_limit(Limit(kind="backlog", queue="agents", most=1000), user=root)
    end_pause(pause(Pause(queue="batch", reason="nightly"), user=root), user=root)
    revoke_tool("crawl", tenant=make_tenant("other"), reason="too slow", user=root)
    month = timezone.now() + timedelta(days=30)
    grant_rule(
        ApprovalRule(tool="pay", reason="small ones", expires_at=month, max_uses=5, max_usd=Decimal(5)),
        tenant=tenant,
        user=root,
    )


def what_has_ended(post, work, anna, root):
    """Completed, failed and cancelled runs; decided actions; letters in every state; a redrive."""
    for text in ("look", "plain", "bad", "bad again", "bad as well"):
        post("clerk", text)
    yes, no, asks = post("clerk", "refund"), post("clerk", "refund"), post("clerk", "ask")
    post("squares", input={"upto": 3})
    work()
    approve(PendingAction.objects.get(run=yes), user=anna)
    reject(PendingAction.objects.get(run=no), user=anna, note="no")
    answer(PendingAction.objects.get(run=asks), user=anna, text="the first")
    work()
    letters = list(DeadLetter.objects.order_by("failed_at"))
    discard(letters[0], user=root, note="known")
    assign(letters[1], user=root, assignee=anna)
    replay(letters[2], user=root)
    work()
    plan(DeadLetter.objects.all(), Selection(job_type="clerk"), user=root)
    cancel_run(post("clerk", "look"), user=anna)


def what_waits(post, work, anna, settings):
    """Runs in every other status; each is brought there when nothing works on the others any more."""
    settings.AGENTOPS = {**settings.AGENTOPS, "retry_delays_s": (3600.0, 3600.0, 3600.0)}
    FAIL["send"] = [UnknownOutcomeError("the line went dead")]
    FAIL["square-2"] = [TransientError("later")]
    for text in ("refund", "ask", "lost"):
        post("clerk", text)
    post("thrifty", "plain")
    post("talker", "plain")
    post("squares", input={"upto": 3})
    work()
    for _ in range(2):
        post("clerk", "plain", lane="batch")
    work()
    clock.advance(conf().batch_gather_s + 1)
    tend_batches()
    clock.reset()
    post("clerk", "plain", scheduled_at=timezone.now() + timedelta(days=3650))
    post("clerk", "look", priority=7)
    post("clerk", "plain")
    assert claim_next(["agents"], worker_id=uuid4(), worker_name="gone")


def write(file):
    if connection.vendor == "sqlite":
        with sqlite3.connect(connection.settings_dict["NAME"]) as database:
            lines = list(database.iterdump())
    else:
        lines = list(postgresql_dump())
    here = str(Path(__file__).resolve().parents[2])  # tracebacks name files
    file.write_text("\n".join(lines).replace(f"{here}/", "") + "\n")


COLUMNS = """
    SELECT attname, format_type(atttypid, atttypmod), attnotnull, pg_get_expr(adbin, adrelid), attidentity, attgenerated
    FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""
INDEXES = """
    SELECT pg_get_indexdef(indexrelid) FROM pg_index
    WHERE indrelid = %s::regclass AND indexrelid NOT IN (SELECT conindid FROM pg_constraint WHERE contype IN ('p', 'u'))
"""
CONSTRAINTS = """
    SELECT conname, pg_get_constraintdef(oid), contype FROM pg_constraint
    WHERE conrelid = %s::regclass AND contype <> 'n' ORDER BY contype = 'f', contype <> 'p', conname
"""
OPTIONS = "SELECT coalesce(array_to_string(reloptions, ', '), '') FROM pg_class WHERE oid = %s::regclass"


def postgresql_dump():
    """The dump program that comes with the embedded server is older than the server."""
    with connection.cursor() as cursor:
        tables = sorted(connection.introspection.table_names(cursor))

        def ask(query, table):
            cursor.execute(query, [f'"{table}"'])
            return cursor.fetchall()

        for table in tables:
            columns = ask(COLUMNS, table)
            ((options,),) = ask(OPTIONS, table)
            written = ", ".join(column_of(*column) for column in columns)
            yield f'CREATE TABLE "{table}" ({written})' + (f" WITH ({options});" if options else ";")
            kept = [column[0] for column in columns if not column[5]]
            names = ", ".join(f'"{name}"' for name in kept)
            cursor.execute(f'SELECT {names} FROM "{table}"')
            for row in cursor.fetchall():
                values = ", ".join(Literal(dump(value)).as_string(cursor.connection) for value in row)
                yield f'INSERT INTO "{table}" ({names}) VALUES ({values});'
            for name in (column[0] for column in columns if column[4]):
                yield (
                    f"SELECT setval(pg_get_serial_sequence('\"{table}\"', '{name}'), "
                    f'(SELECT coalesce(max("{name}"), 0) + 1 FROM "{table}"), false);'
                )
        later = []
        for table in tables:
            for name, definition, kind in ask(CONSTRAINTS, table):
                statement = f'ALTER TABLE "{table}" ADD CONSTRAINT "{name}" {definition};'
                if kind == "f":
                    later.append(statement)
                else:
                    yield statement
            yield from (f"{definition};" for (definition,) in ask(INDEXES, table))
        yield from later


def column_of(name, kind, required, default, identity, generated):
    rest = " GENERATED BY DEFAULT AS IDENTITY" if identity else ""
    if default:
        rest = f" GENERATED ALWAYS AS ({default}) STORED" if generated else f" DEFAULT {default}"
    return f'"{name}" {kind}{rest}' + (" NOT NULL" if required else "")


def dump(value):
    return json.dumps(value) if isinstance(value, dict | list) else value
