"""A run that works is displaced: `replace` lets its call finish, `interrupt` breaks it off. The new one starts later.

Real threads and a real clock.
"""

import pytest

from runs.invariants.every import breaches
from runs.models import ModelCall, Run
from tests.runs.worker.waiting import status_of, wait_for

pytestmark = pytest.mark.django_db(transaction=True)

DONE = {"content": [{"type": "text", "text": "Done."}]}
USE = {"content": [{"type": "tool_use", "name": "look_up", "input": {"key": "a"}}]}
SLOW = {**USE, "delay_s": 1.0}
SILENT = {**DONE, "faults": [{"kind": "hang", "after": "message_start", "seconds": 30}]}


def is_asking(run):
    return ModelCall.objects.filter(run=run, status="started").exists()


def displace(post, policy):
    """Post a run, and when it asks the model another one; return both when the first has ended and the second begun."""
    first = post("clerk", on_conflict="discard")
    wait_for(lambda: is_asking(first))
    second = post("clerk", on_conflict=policy)
    assert Run.objects.get(pk=second.pk).status == "scheduled"
    wait_for(lambda: status_of(first) == "cancelled")
    wait_for(lambda: status_of(second) in ("running", "completed"))
    first.refresh_from_db(), second.refresh_from_db()
    assert second.started_at >= first.finished_at
    assert [str(breach) for breach in breaches(look_again_after_s=0)] == []
    return first, second


def test_replace_lets_the_call_in_flight_finish_and_begins_no_other(offline, post, worker):
    offline({"turns": [SLOW, DONE]})
    worker()

    first, _ = displace(post, "replace")

    call = ModelCall.objects.get(run=first)
    assert (call.status, first.cost_usd) == ("settled", call.cost_usd)
    assert [step.status for step in first.steps.order_by("seq")] == ["completed", "skipped"]


def test_interrupt_breaks_the_call_in_flight_off(offline, post, worker):
    offline({"turns": [SILENT, DONE]})
    worker()

    first, _ = displace(post, "interrupt")

    assert (first.finished_at - first.started_at).total_seconds() < 10, "the silence would have lasted longer"
    assert ModelCall.objects.get(run=first).status == "presumed"


def test_the_successor_begins_when_the_other_has_ended_and_not_at_the_next_sweep(offline, post, worker, settings):
    settings.AGENTOPS = {**settings.AGENTOPS, "sweep_s": 600.0}
    offline({"turns": [SLOW, DONE]})
    process = worker()
    first = post("clerk", on_conflict="discard")
    process.wake()
    wait_for(lambda: is_asking(first))

    second = post("clerk", on_conflict="replace")

    wait_for(lambda: status_of(second) == "completed")
    assert status_of(first) == "cancelled"
