"""Connections that are lost to the pool come back, and a pool that has none left says who holds them."""

import logging
import threading
from contextlib import contextmanager

import pytest
from django.db import OperationalError, connection

from agentops.postgresql.lost import take_back_lost
from runs.models import Tenant
from tests.runs.engine.code_of_a_project import story_of

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has no pool"),
]


@contextmanager
def pool_of(size, *, timeout_s=20.0):
    """Use a fresh pool of so many connections."""
    options = connection.settings_dict["OPTIONS"]["pool"]
    before = dict(options)
    _end_pool()
    options.update(max_size=size, timeout=timeout_s)
    try:
        yield
    finally:
        options.update(before)
        _end_pool()


def _end_pool():
    connection.close()
    connection.close_pool()


def _use():
    Tenant.objects.exists()


def _begin():
    connection.ensure_connection()
    connection.connection.execute("BEGIN")
    _use()


@pytest.mark.parametrize("use", [_use, _begin])
def test_connections_of_ended_threads_come_back_and_the_log_says_what_to_look_for(use, caplog):
    with pool_of(2):
        for number in range(5):
            thread = threading.Thread(target=use, name=f"mine-{number}")
            thread.start()
            thread.join()

        with caplog.at_level(logging.WARNING, "agentops.postgresql.lost"):
            assert Tenant.objects.count() == 0

        connection.close()
        take_back_lost(connection.pool)

    said = caplog.text
    assert "of 2 database connections were lost" in said and "mine-" in said and "connection.close()" in said


def test_a_wait_in_vain_names_the_threads_that_hold_the_connections():
    begun, go = threading.Barrier(3), threading.Event()

    def hold():
        _use()
        begun.wait(30)
        go.wait(30)
        connection.close()

    with pool_of(2, timeout_s=0.2):
        threads = [threading.Thread(target=hold, name=f"holder-{number}") for number in range(2)]
        for thread in threads:
            thread.start()
        begun.wait(30)
        try:
            with pytest.raises(OperationalError, match=r"2 of 2 \(AGENTOPS_DB_POOL\) are taken, .*holder-0 for"):
                _use()
        finally:
            go.set()
            for thread in threads:
                thread.join()
        _use()


def test_a_tool_that_tells_its_progress_from_many_threads_uses_up_no_pool(offline, post, work, monkeypatch):
    def act(context):
        def tell():
            context._reported_at = 0.0
            context.progress(50, "from afar")

        threads = [threading.Thread(target=tell) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    with pool_of(4):
        run, step, _ = story_of(post, work, offline, monkeypatch, act)
        connection.close()

        assert (run.status, step.status) == ("completed", "completed")
        stats = connection.pool.get_stats()
        assert stats["pool_available"] == stats["pool_size"], "all are back"
