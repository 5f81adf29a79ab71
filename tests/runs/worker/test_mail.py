"""A worker sends mails in a thread of its own, so that a silent mail server delays nobody's rescue."""

import threading
import time
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db.models.functions import Now

from runs.models import Mail, Run, RunEvent, post_mail
from runs.queue.claim import claim_next
from runs.worker.process import WorkerProcess
from tests.runs.worker.waiting import wait_for
from tests.smtp_server import smtp_server, use

pytestmark = pytest.mark.django_db(transaction=True)


def state():
    return Mail.objects.get().state


def test_a_worker_sends_mails_unasked(worker, settings):
    with smtp_server() as server:
        use(settings, server.port)
        worker()

        post_mail(["olga@acme.example"], "News", "It happened.")

        wait_for(lambda: state() == "sent")
        assert len(server.taken) == 1


def test_a_silent_mail_server_delays_no_rescue(post, worker, settings):
    run = post("clerk")
    claim_next(["agents"], worker_id=uuid4(), worker_name="w")
    post_mail(["olga@acme.example"], "News", "It happened.")
    with smtp_server(silent=True) as server:
        use(settings, server.port, timeout_s=4)
        worker("batch")
        assert server.called.wait(10)
        asked_at = time.monotonic()

        Run.objects.filter(pk=run.pk).update(lease_expires_at=Now() - timedelta(seconds=1))

        wait_for(lambda: RunEvent.objects.filter(run=run, kind="run.rescued").exists(), 3)
        assert time.monotonic() - asked_at < 3 and not Mail.objects.get().error, "the server is still silent"
        wait_for(lambda: "timed out" in Mail.objects.get().error)


def test_a_draining_worker_begins_no_mail(worker, settings):
    with smtp_server() as server:
        use(settings, server.port)
        process = worker()
        process.slots.drain()

        post_mail(["olga@acme.example"], "News", "It happened.")
        time.sleep(0.5)

        assert not server.called.is_set() and Mail.objects.get().tries == 0


def test_the_worker_for_runs_that_take_workers_down_sends_no_mail(quick):
    before = set(threading.enumerate())
    process = WorkerProcess(["agents"], slots=1, only_quarantined=True)
    process.start()
    try:
        names = {thread.name for thread in set(threading.enumerate()) - before}
    finally:
        process.stop(grace_s=1)
        time.sleep(0.2)

    assert "reconciler" in names and "mail" not in names
