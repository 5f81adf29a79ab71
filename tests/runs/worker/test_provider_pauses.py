"""Many workers before a provider that answers 429 to everything: no stampede, and nobody gives up."""

import pytest

from deadletters.models import DeadLetter
from runs.invariants.every import breaches
from runs.models import Gate, ModelCall, Run
from tests.runs.worker.waiting import wait_for

pytestmark = pytest.mark.django_db(transaction=True)

RETRY_AFTER_S, LIMITED_S, ANSWERS_AFTER_S = 5, 20, 1.0
ON_ITS_WAY_S = 0.5  # a request whose intent was committed before the gate was shut arrives a little later
LIMITED = {
    "kind": "rate_limited",
    "retry_after_s": RETRY_AFTER_S,
    "answer_after_s": ANSWERS_AFTER_S,
    "times": -1,
    "for_s": LIMITED_S,
}


@pytest.mark.slow
def test_a_limited_provider_sees_those_in_flight_and_then_one_probe_for_each_pause(offline, post, worker):
    model = offline({"turns": [{"content": [{"type": "text", "text": "Done."}], "faults": [LIMITED]}]})
    runs = [post("clerk", text=f"question {number}") for number in range(50)]
    for _ in range(4):
        worker(slots=8)

    wait_for(lambda: Run.objects.filter(status="completed").count() == len(runs), timeout_s=90)

    refused = sorted(request["at"] for request in model.requests if request["status"] == 429)
    shut_at = Gate.objects.get().shut_at.timestamp()  # by the worker that read the first answer
    in_flight = [at for at in refused if at <= shut_at + ON_ITS_WAY_S]
    probes = refused[len(in_flight) :]
    assert len(in_flight) > 8, "the crowd was there before it"
    assert len(probes) <= LIMITED_S / RETRY_AFTER_S, [at - refused[0] for at in probes]
    assert ModelCall.objects.filter(status="settled").count() == len(runs), "each was answered once"
    assert len(model.requests) == len(refused) + len(runs)
    assert not DeadLetter.objects.exists() and not list(breaches())
