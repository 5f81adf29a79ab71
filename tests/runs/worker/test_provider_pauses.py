"""Many workers before a provider that answers 429 to everything: no stampede, and nobody gives up."""

import pytest

from deadletters.models import DeadLetter
from runs.invariants.every import breaches
from runs.models import ModelCall, Run
from tests.runs.worker.waiting import wait_for

pytestmark = pytest.mark.django_db(transaction=True)

WORKERS, SLOTS = 4, 8
RETRY_AFTER_S, LIMITED_S, ANSWERS_AFTER_S = 5, 20, 3.0
ON_ITS_WAY_S = 1.0  # a request whose intent was committed before the circuit opened arrives a little later
LIMITED = {
    "kind": "rate_limited",
    "retry_after_s": RETRY_AFTER_S,
    "answer_after_s": ANSWERS_AFTER_S,
    "times": -1,
    "for_s": LIMITED_S,
}


@pytest.mark.slow
def test_a_limited_provider_sees_those_in_flight_and_then_one_probe_for_each_pause(offline, post, worker, settings):
    settings.AGENTOPS = {**settings.AGENTOPS, "lease_s": 8.0}  # none is lost, however busy the machine
    model = offline({"turns": [{"content": [{"type": "text", "text": "Done."}], "faults": [LIMITED]}]})
    runs = [post("clerk", text=f"question {number}") for number in range(50)]
    for _ in range(WORKERS):
        worker(slots=SLOTS)

    wait_for(lambda: Run.objects.filter(status="completed").count() == len(runs), timeout_s=90)

    refused = sorted(request["at"] for request in model.requests if request["status"] == 429)
    first_answer_at = refused[0] + ANSWERS_AFTER_S  # the log tells when a request came; nobody could know before this
    in_flight = [at for at in refused if at <= first_answer_at + ON_ITS_WAY_S]
    probes = refused[len(in_flight) :]
    assert SLOTS < len(in_flight) <= WORKERS * SLOTS, "a crowd was there before it, and no slot asked twice"
    assert len(probes) <= LIMITED_S / RETRY_AFTER_S, [at - refused[0] for at in probes]
    assert ModelCall.objects.filter(status="settled").count() == len(runs), "each was answered once"
    assert len(model.requests) == len(refused) + len(runs)
    assert not DeadLetter.objects.exists() and not list(breaches())
