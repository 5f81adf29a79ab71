"""Writers of the embedded database wait their turn, so that no heartbeat starves."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from django.db import connection, transaction

from runs.models import QueueLane, Run, Tenant
from tests.databases import environment

ROOT = Path(__file__).resolve().parents[3]

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL has row locks"),
]


def in_threads(count, work):
    def run():
        try:
            work()
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads


@transaction.atomic
def lose():
    Tenant.objects.create(slug="lost")
    raise ZeroDivisionError


def test_a_write_does_not_starve_among_busy_writers():
    Tenant.objects.create(slug="t")
    stop, waits = threading.Event(), []

    def busy():
        while not stop.is_set():
            with transaction.atomic():
                Tenant.objects.filter(slug="t").update(name="x")
                time.sleep(0.005)

    writers = in_threads(12, busy)
    for _ in range(10):
        began = time.monotonic()
        Tenant.objects.filter(slug="t").update(name="beat")
        waits.append(time.monotonic() - began)
    stop.set()
    for writer in writers:
        writer.join(20)

    assert max(waits) < 3, "well under the lease"


def test_the_gate_is_left_after_commit_rollback_and_error():
    with transaction.atomic():
        Tenant.objects.create(slug="kept")
    with pytest.raises(ZeroDivisionError):
        lose()

    others = in_threads(1, lambda: Tenant.objects.create(slug="other"))
    others[0].join(5)

    assert set(Tenant.objects.values_list("slug", flat=True)) == {"kept", "other"}


WRITER = """
import os, sys
import django; django.setup()
from runs.operations.accounts import make_member, make_tenant
from runs.operations.post_run import RunRequest, post_run
tenant = make_tenant("acme"); user = make_member(tenant, None)
sys.stdin.readline()
for _ in range(40):
    post_run(RunRequest("clerk", {"text": "x"}), tenant=tenant, user=user, origin="test")
"""


@pytest.mark.fault(50)
@pytest.mark.slow
def test_processes_that_write_at_once_are_never_told_that_the_database_is_locked():
    command = [sys.executable, "-c", WRITER]
    pipes = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    writers = [subprocess.Popen(command, cwd=ROOT, env=environment(LOG_LEVEL="ERROR"), **pipes) for _ in range(4)]

    told = [writer.communicate("go\n", timeout=120)[1] for writer in writers]

    assert [writer.returncode for writer in writers] == [0] * 4, told
    assert "locked" not in "".join(told)
    assert Run.objects.count() == 160
    assert QueueLane.objects.get().queued == 160
