"""The leases of one process, where its threads meet."""

import threading
from uuid import uuid4

import pytest
from django.db import connection

from runs import clock
from runs.maintenance.rescue_runs import rescue_runs
from runs.models import Run
from runs.queue.claim import claim_next
from runs.worker.leases import Leases


def in_a_thread(work):
    def run():
        work()
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@pytest.mark.django_db(transaction=True)
def test_a_renewal_under_way_does_not_prolong_a_lease_that_ends_meanwhile(post, monkeypatch):
    post("clerk")
    worker = uuid4()
    run, lease = claim_next(["agents"], worker_id=worker, worker_name="w")
    leases = Leases(worker)
    leases.add(lease)
    real, ending = clock.monotonic, []

    def end_it_between_look_and_renewal():
        monkeypatch.setattr(clock, "monotonic", real)
        ending.append(in_a_thread(lambda: leases.end_lease(lease)))
        ending[0].join(timeout=0.5)
        return real()

    monkeypatch.setattr(clock, "monotonic", end_it_between_look_and_renewal)
    leases.renew()
    ending[0].join()

    assert Run.objects.get(pk=run.pk).lease_expires_at <= clock.now()


@pytest.mark.django_db
def test_a_lease_that_was_ended_is_not_renewed_again(post):
    post("clerk")
    worker = uuid4()
    run, lease = claim_next(["agents"], worker_id=worker, worker_name="w")
    leases = Leases(worker)
    leases.add(lease)

    leases.end_lease(lease)
    leases.renew()

    assert Run.objects.get(pk=run.pk).lease_expires_at <= clock.now()


@pytest.mark.django_db
@pytest.mark.parametrize("same_process", [True, False])
def test_a_zombies_heartbeat_does_not_renew_the_lease_of_the_new_holder(post, same_process):
    post("clerk")
    worker = uuid4()
    _, zombie = claim_next(["agents"], worker_id=worker, worker_name="w")
    leases = Leases(worker)
    leases.add(zombie)
    clock.advance(1000)
    rescue_runs()
    claim_next(["agents"], worker_id=worker if same_process else uuid4(), worker_name="v")
    ends_at = Run.objects.get().lease_expires_at

    clock.advance(3)
    leases.renew()

    assert Run.objects.get().lease_expires_at == ends_at
    assert zombie.lost.is_set()
