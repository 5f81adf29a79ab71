"""Circuit breakers: a provider that asks for a pause, or fails in a burst, is asked by one probe and not by a crowd."""

from uuid import UUID

import pytest
from django.db import OperationalError

from runs import clock
from runs.engine import circuit_breaker, finish_claim
from runs.engine.outcomes import Completed, HeldBack, Retry
from runs.errors import RateLimitedError, TransientError
from runs.invariants.every import breaches
from runs.maintenance.release_held import release_held
from runs.maintenance.wake_timers import wake_timers
from runs.models import CircuitBreaker, ModelCall, QueueLane, Run, RunEvent
from runs.operations.cancel_run import cancel_run
from runs.operations.why import why
from tests.at_once import at_once

pytestmark = pytest.mark.django_db(transaction=True)

MODEL, PROBE = "claude-sonnet-5-5", UUID(int=7)
TEXT = {"content": [{"type": "text", "text": "Done."}]}
LIMITED = {"kind": "rate_limited", "retry_after_s": 5, "times": -1, "for_s": 3600}


def answering(*faults):
    return {"turns": [{**TEXT, "faults": list(faults)}]}


def limited_once(seconds=5):
    """Whoever asks first is told to come later; everybody else is answered."""
    return answering({"kind": "rate_limited", "retry_after_s": seconds, "times": -1, "for_s": 0.0001})


@pytest.fixture
def breaker():
    """Read the breaker of the one model."""
    return CircuitBreaker.objects.get


def test_a_429_opens_the_circuit_and_other_runs_give_their_slot_back_without_asking(offline, post, work, breaker):
    model = offline(answering(LIMITED))
    runs = [post("clerk") for _ in range(4)]

    outcomes = work()

    assert [type(outcome) for outcome in outcomes] == [Retry, HeldBack, HeldBack, HeldBack]
    assert len(model.requests) == 1, "only the first was sent"
    assert breaker().open_reason == "rate" and 4 < (breaker().open_until - clock.now()).total_seconds() <= 5
    held = Run.objects.filter(pk__in=[run.pk for run in runs], circuit_breaker=breaker())
    assert {(run.status, run.attempts) for run in held} == {("queued", 0)}, "held back is no failed try"
    assert QueueLane.objects.get().queued == 0 and work() == [], "no claim takes them"
    assert not list(breaches())


def test_a_held_run_says_why_and_until_when(offline, post, work, breaker):
    offline(answering(LIMITED))
    post("clerk")
    held = post("clerk")
    work()

    (reason,) = [reason for reason in why(Run.objects.get(pk=held.pk)) if reason.code != "no_worker"]

    assert reason.code == "rate" and "claude" in reason.message and "RateLimitedError" not in reason.message
    assert reason.until == breaker().open_until
    told = RunEvent.objects.get(run=held, kind="run.held_back").data
    assert told == {"circuit": str(breaker()), "until": breaker().open_until.isoformat()}


def test_when_the_pause_is_over_one_run_probes_and_its_answer_lets_all_go_on(offline, post, work, breaker):
    model = offline(limited_once())
    for _ in range(5):
        post("clerk")
    work()
    assert release_held() == 0, "not before its time"

    clock.advance(6)
    assert release_held() == 1
    assert work() == [Completed("Done.")] and len(model.requests) == 2
    assert breaker().open_until is None and breaker().probe is None and breaker().times_opened == 0

    assert release_held() == 3
    wake_timers()
    clock.advance(20)
    wake_timers()
    work()
    assert set(Run.objects.values_list("status", "attempts")) == {("completed", 0)}
    assert not list(breaches())


def test_a_probe_that_fails_opens_the_circuit_again_and_another_run_probes_next(offline, post, work, breaker):
    model = offline(answering(LIMITED))
    for _ in range(3):
        post("clerk")
    work()
    first = breaker().open_until

    clock.advance(6)
    release_held()
    work()

    assert breaker().open_until > first and breaker().times_opened == 2 and breaker().probe is None
    assert len(model.requests) == 2
    assert sorted(Run.objects.values_list("attempts", flat=True)) == [0, 1, 1], "each was tried once at most"


def test_of_many_that_reach_a_circuit_whose_pause_is_over_one_asks(offline, post, work, breaker):
    model = offline(limited_once())
    post("clerk")
    work()
    clock.advance(6)
    for _ in range(6):
        post("clerk")

    at_once(6, lambda _: work())

    probes = ModelCall.objects.filter(status="settled").order_by("started_at")
    assert probes.exists() and len(model.requests) >= 2
    assert breaker().open_until is None
    assert not list(breaches())


def test_a_probe_whose_worker_dies_does_not_keep_the_circuit_open(offline, post, work, breaker):
    offline(limited_once())
    post("clerk")
    dead = post("clerk")
    work()
    clock.advance(6)
    CircuitBreaker.objects.update(probe=dead.pk, probe_fence=7)  # of a claim that is no longer the newest

    assert release_held() == 1
    assert work() == [Completed("Done.")]


def test_a_burst_of_failures_opens_the_circuit_and_a_few_among_many_do_not(offline, post, work, breaker):
    offline(answering({"kind": "overloaded", "times": -1}))
    for _ in range(8):
        post("clerk")

    outcomes = work()

    assert [type(outcome) for outcome in outcomes] == [Retry] * 4 + [HeldBack] * 4, "the fifth failure opens it"
    assert breaker().open_reason == "circuit" and (breaker().open_until - clock.now()).total_seconds() > 10


def test_a_few_failures_among_many_answers_open_nothing(offline, post, work):
    offline(answering({"kind": "overloaded"}) | {"when": {"first_user_contains": "bad"}}, answering())
    for number in range(8):
        post("clerk", input={"text": f"fine {number}"})
    work()
    for number in range(6):
        post("clerk", input={"text": f"bad {number}"})
    work()

    assert not CircuitBreaker.objects.filter(open_until__isnull=False).exists()


def test_the_circuits_pause_is_doubled_while_the_provider_fails(offline, post, work, breaker):
    offline(answering({"kind": "overloaded", "times": -1}))
    for _ in range(8):
        post("clerk")
    work()

    pauses = []
    for _ in range(3):
        clock.advance((breaker().open_until - clock.now()).total_seconds() + 1)
        release_held()
        work()
        pauses.append(round((breaker().open_until - clock.now()).total_seconds()))

    assert pauses == [30, 60, 120]


def pauses_by(*failures, times_opened=0, open_reason=""):
    """Let each of them fail a call of a half-open circuit, as its probe would; return the pauses in seconds."""
    over = clock.now() if open_reason else None
    breaker = CircuitBreaker.objects.create(
        provider="anthropic",
        model=MODEL,
        open_reason=open_reason,
        times_opened=times_opened,
        opened_at=over,
        open_until=over,
    )
    pauses = []
    for fence, error in enumerate(failures):
        CircuitBreaker.objects.update(probe=PROBE, probe_fence=fence)
        call = ModelCall(run_id=PROBE, fence=fence, model=MODEL, error_kind=circuit_breaker.error_kind_of(error))
        circuit_breaker.record_failure(call, error, probing=True)
        breaker.refresh_from_db()
        pauses.append(round((breaker.open_until - clock.now()).total_seconds()))
        clock.advance(pauses[-1] + 1)
    return pauses


def test_a_circuit_that_opened_a_thousand_times_is_open_for_the_longest_pause_once_more():
    assert pauses_by(TransientError("away"), times_opened=1100, open_reason="circuit") == [300]


def test_what_was_in_flight_when_the_circuit_opened_does_not_change_when_that_was(offline, post, work, breaker):
    offline(answering(LIMITED))
    post("clerk")
    work()
    first = breaker()

    clock.advance(3)
    call = ModelCall(run_id=PROBE, fence=1, model=MODEL, error_kind="rate_limit")
    circuit_breaker.record_failure(call, RateLimitedError("later", retry_after_s=5), probing=False)

    assert breaker().opened_at == first.opened_at and breaker().open_until > first.open_until
    assert breaker().times_opened == 1


def test_a_429_is_no_failure_that_doubles_the_circuits_pause():
    later, away = RateLimitedError("later", retry_after_s=5), TransientError("away")

    assert pauses_by(*[later] * 6, away, away, later, away) == [5] * 6 + [15, 30, 5, 15]


def test_a_probe_that_is_refused_for_its_own_fault_closes_the_circuit(offline, post, work, breaker):
    refused = {"kind": "status", "status": 400, "error_type": "invalid_request_error", "times": -1}
    offline(answering({"kind": "rate_limited", "retry_after_s": 5, "times": -1, "for_s": 0.0001}, refused))
    post("clerk")
    post("clerk")
    work()
    clock.advance(6)
    release_held()

    work()

    assert breaker().open_until is None, "a provider that refuses a request works"


def test_a_held_run_can_be_cancelled_and_its_line_stays_right(offline, post, work, user):
    offline(answering(LIMITED))
    post("clerk")
    held = post("clerk")
    work()

    cancel_run(Run.objects.get(pk=held.pk), user=user)

    held.refresh_from_db()
    assert held.status == "cancelled" and held.circuit_breaker is None
    assert not list(breaches())


def test_the_circuit_of_one_model_does_not_hold_the_runs_of_another(offline, post, work):
    offline(answering(LIMITED))
    post("clerk")
    work()
    CircuitBreaker.objects.update(model="claude-haiku-5-5")

    post("clerk")

    assert isinstance(work()[0], Retry), "it was asked"


def test_an_answer_is_kept_although_its_circuit_cannot_be_closed(offline, post, work, breaker, monkeypatch):
    def away(_):
        raise OperationalError("away")

    offline(limited_once())
    post("clerk")
    post("clerk")
    work()
    clock.advance(6)
    release_held()
    monkeypatch.setattr(circuit_breaker, "_close", away)

    assert work() == [Completed("Done.")]
    assert breaker().is_open, "and another probe may come"
    monkeypatch.undo()
    assert release_held() == 0 and post("clerk") and work() == [Completed("Done.")]
    assert not breaker().is_open


def test_the_reason_of_a_circuit_breaker_holds_no_secret(offline, post, work, breaker):
    leak = {"kind": "rate_limited", "retry_after_s": 5, "times": -1, "message": "bad key sk-ant-abcdefgh12345678"}
    offline(answering(leak))
    post("clerk")

    work()

    assert "sk-ant" not in breaker().reason and "[redacted]" in breaker().reason


def test_a_cancel_just_before_a_run_is_held_back_ends_it_at_once(offline, post, work, breaker, user, monkeypatch):
    offline(answering(LIMITED))
    post("clerk")
    late = post("clerk")
    real = finish_claim._hold_back

    def hold_back(journal, breaker_id):
        if journal.run.pk == late.pk:
            cancel_run(late, user=user)
        real(journal, breaker_id)

    monkeypatch.setattr(finish_claim, "_hold_back", hold_back)

    work()

    late.refresh_from_db()
    assert late.status == "cancelled" and not list(breaches())
