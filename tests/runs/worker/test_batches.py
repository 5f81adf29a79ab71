"""A worker tends the batch lane in a thread of its own, so that a slow provider delays nobody's rescue."""

import socket
import time
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db.models.functions import Now

from runs.engine import provider
from runs.models import MessageBatch, Run, RunEvent
from runs.queue.claim import claim_next
from tests.runs.worker.waiting import wait_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def prompt(settings, quick):
    """Batches are sent and looked at without waiting for more."""
    settings.AGENTOPS = {**settings.AGENTOPS, "batch_gather_s": 0.2, "batch_poll_s": 0.2}


def statuses():
    return sorted(Run.objects.values_list("status", flat=True))


def test_workers_send_batches_and_take_their_results_in_unasked(offline, post, worker, prompt):
    model = offline({"turns": [{"content": [{"type": "text", "text": "Hi"}]}]}, batch_s=0.3)
    for _ in range(6):
        post("clerk", lane="batch")
    worker(), worker()

    wait_for(lambda: statuses() == ["completed"] * 6)

    assert len(model.requests) == 6
    assert sum(MessageBatch.objects.values_list("requests", flat=True)) == 6


def test_a_silent_provider_delays_no_rescue(settings, post, worker, prompt):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.ANTHROPIC_BASE_URL = f"http://127.0.0.1:{silent.getsockname()[1]}"
        settings.ANTHROPIC_API_KEY = "any"
        settings.AGENTOPS = {**settings.AGENTOPS, "model_silence_s": 4.0}
        post("clerk", lane="batch")
        worker()
        wait_for(lambda: MessageBatch.objects.filter(status="sending").exists())
        run = post("squares", input={"upto": 1})
        claim_next([run.queue], worker_id=uuid4(), worker_name="w")
        asked_at = time.monotonic()

        Run.objects.filter(pk=run.pk).update(lease_expires_at=Now() - timedelta(seconds=1))

        wait_for(lambda: RunEvent.objects.filter(run=run).exclude(kind="run.claimed").count() > 1, 3)
        assert time.monotonic() - asked_at < 3
        assert MessageBatch.objects.get().status == "sending", "the provider is still silent"
        wait_for(lambda: "APITimeoutError" in MessageBatch.objects.get().error)
    provider.close_client()  # it points here
