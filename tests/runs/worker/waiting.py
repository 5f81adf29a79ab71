"""Waiting for what a worker does in its own threads."""

import time

from runs.models import Run


def wait_for(condition, timeout_s=15):
    ends_at = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < ends_at, "waited too long"
        time.sleep(0.02)


def status_of(run):
    return Run.objects.values_list("status", flat=True).get(pk=run.pk)
