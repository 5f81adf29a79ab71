"""Writers of the embedded database wait their turn, so that no heartbeat starves."""

import threading
import time

import pytest
from django.db import connection, transaction

from runs.models import Tenant

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
