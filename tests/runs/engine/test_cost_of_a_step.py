"""What one step costs the database, counted: a commit, and at most four statements."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agentops.lab.bench.agent import BenchAgent
from agentops.lab.bench.model import STEPS, answer_at_once
from runs.engine import journal
from runs.engine.provider import answered_by
from runs.models import Run

pytestmark = pytest.mark.django_db(transaction=True)

STATEMENTS_MAX = 4
_FRAME = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")


@pytest.fixture
def steps_seen(monkeypatch):
    """What each intent of a run of twenty steps has sent to the database, since the intent before it."""
    # What operators edit is read again each second: on a slow machine that would fall among the steps.
    monkeypatch.setattr("runs.ttl_cache.FRESH_S", 3600.0)
    seen, queries = [], CaptureQueriesContext(connection)
    commit = journal.Journal.commit_intent

    def counted(self, **more):
        commit(self, **more)
        seen.append([query["sql"] for query in queries.captured_queries])
        queries.__exit__(None, None, None)
        queries.__enter__()

    monkeypatch.setattr(journal.Journal, "commit_intent", counted)
    queries.__enter__()
    yield seen
    queries.__exit__(None, None, None)


def test_in_the_steady_state_a_step_is_one_commit_and_at_most_four_statements(post, work, steps_seen):
    run = post(BenchAgent.name)

    with answered_by(answer_at_once):
        work()

    assert Run.objects.get(pk=run.pk).status == "completed"
    steady = steps_seen[2:]  # the first two load what the claim needs
    assert len(steady) == STEPS - 2
    for sent in steady:
        work_done = [sql for sql in sent if not sql.startswith(_FRAME)]
        assert len(work_done) <= STATEMENTS_MAX, work_done
        assert sum(sql.startswith("COMMIT") for sql in sent) <= 1, sent


def test_on_postgresql_a_step_is_a_single_statement(post, work, steps_seen):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no data-modifying queries within a query")
    post(BenchAgent.name)

    with answered_by(answer_at_once):
        work()

    assert all(len(sent) == 1 for sent in steps_seen[2:])
