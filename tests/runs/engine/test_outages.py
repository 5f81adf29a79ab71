"""A provider that is away for an hour costs no run: with its circuit open no try is used up, by one run or by many."""

from datetime import timedelta

import anthropic
import httpx2
import pytest

from deadletters.models import DeadLetter
from runs import clock
from runs.conf import Conf
from runs.engine.outcomes import Failed, Retry
from runs.engine.provider import Answer, answered_by
from runs.engine.retry import next_try
from runs.errors import BrokenStreamError, ModelTimeoutError
from runs.invariants.every import breaches
from runs.maintenance.release_held import release_held
from runs.maintenance.wake_timers import wake_timers
from runs.models import CircuitBreaker, Mail, Run
from runs.operations.why import why
from runs.registry import Agent, Narrow
from tests.testapp.agents import Clerk

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
SENT = httpx2.Request("POST", "http://model.test")


def status(code):
    return lambda: anthropic.InternalServerError("away", response=httpx2.Response(code, request=SENT), body=None)


TROUBLES = {
    "529": [status(529)],
    "500": [status(500)],
    "time-outs": [lambda: anthropic.APITimeoutError(request=SENT), lambda: ModelTimeoutError("too long")],
    "no connection": [lambda: anthropic.APIConnectionError(request=SENT)],
    "streams that break": [lambda: BrokenStreamError("cut"), lambda: httpx2.RemoteProtocolError("closed")],
    "all of it in turn": [status(503), lambda: httpx2.ReadTimeout("silent"), lambda: BrokenStreamError("cut")],
}


@pytest.fixture(autouse=True)
def _the_default_pauses(settings):
    settings.AGENTOPS = settings.AGENTOPS | {"retry_delays_s": Conf().retry_delays_s}


class Provider:
    """Fails until a moment, then answers. `silent_s` passes before each failure."""

    def __init__(self, error_kinds, *, until, silent_s=0.0):
        self.error_kinds, self.until, self.silent_s, self.asked = error_kinds, until, silent_s, []

    def __call__(self, request, *, check, **_):
        now = clock.now()
        self.asked.append(request["messages"][0]["content"][0]["text"])
        if now < self.until:
            check.__self__.valid_until = float("inf")  # as if there were a heartbeat
            clock.advance(self.silent_s)
            raise self.error_kinds[len(self.asked) % len(self.error_kinds)]()
        usage = {"input_tokens": 1, "output_tokens": 1}
        content = [{"type": "text", "text": "Done."}]
        message = {"id": f"msg_{len(self.asked)}", "model": request["model"], "content": content}
        return Answer(message=message | {"stop_reason": "end_turn", "usage": usage}, request_id="req")


def live_through(work, *, until):
    """Work whenever something is due, until that moment."""
    outcomes = work()
    while clock.now() < until and Run.objects.exclude(status__in=["completed", "failed", "cancelled"]).exists():
        dues = [*Run.objects.filter(status="retrying").values_list("next_attempt_at", flat=True)]
        dues += CircuitBreaker.objects.filter(open_until__isnull=False).values_list("open_until", flat=True)
        clock.advance(max(2.0, (min(dues) - clock.now()).total_seconds() if dues else 0.0))
        wake_timers(), release_held()
        outcomes += work()
    return outcomes


@pytest.mark.parametrize(
    ("runs", "error_kind"), [*((1, error_kind) for error_kind in TROUBLES), (50, "all of it in turn")]
)
def test_an_hour_of_trouble_ends_in_completion(post, work, error_kind, runs):
    for number in range(runs):
        post("clerk", f"run {number}", max_cost_usd=5)
    began = clock.now()
    provider = Provider(TROUBLES[error_kind], until=began + HOUR)

    with answered_by(provider):
        outcomes = live_through(work, until=began + 1.5 * HOUR)

    assert set(Run.objects.values_list("status", flat=True)) == {"completed"}
    assert not DeadLetter.objects.exists() and not Mail.objects.exists()
    assert not any(isinstance(outcome, Failed) for outcome in outcomes)
    assert sum(isinstance(outcome, Retry) for outcome in outcomes) == 4, "before the circuit was open"
    assert len(provider.asked) < 30 + runs, "it was probed, not hammered"
    assert not list(breaches(look_again_after_s=0))


def test_what_the_provider_did_not_answer_is_not_the_time_of_the_run(post, work):
    run = post("clerk", max_cost_usd=5)
    began = clock.now()

    with answered_by(Provider(TROUBLES["time-outs"], until=began + HOUR, silent_s=120)):
        live_through(work, until=began + 2 * HOUR)

    run.refresh_from_db()
    assert run.status == "completed" and run.running_s < run.timeout_s / 10


def test_a_run_behind_an_open_circuit_says_so_and_what_it_met(post, work):
    run = post("clerk")

    with answered_by(Provider(TROUBLES["529"], until=clock.now() + HOUR)):
        live_through(work, until=clock.now() + HOUR / 2)

    run.refresh_from_db()
    (reason,) = [one for one in why(run) if one.code != "no_worker"]
    assert (run.status, run.attempts, reason.code) == ("queued", 4, "circuit")
    assert reason.until == CircuitBreaker.objects.get().open_until
    assert run.last_error["type"] == "InternalServerError"
    assert run.steps.get().status == "planned", "what was not answered is asked again"


def test_a_request_that_fails_by_its_own_fault_does_not_keep_the_circuit_open_for_others(post, work):
    """Each held run probes in its turn, so one that is answered closes it; then the other uses up its tries."""
    post("clerk", "bad")
    provider = Provider(TROUBLES["500"], until=clock.now() + 0.5 * HOUR)
    with answered_by(provider):
        live_through(work, until=clock.now() + 0.4 * HOUR)
    post("clerk", "good")

    def answer(request, **more):
        provider.until = clock.now() + HOUR if "bad" in str(request["messages"]) else clock.now()
        return provider(request, **more)

    with answered_by(answer):
        live_through(work, until=clock.now() + 2 * HOUR)

    ends = {run.input["text"]: run.status for run in Run.objects.all()}
    assert ends["good"] == "completed"


def test_a_few_failures_that_lie_hours_apart_open_nothing(post, work, monkeypatch):
    monkeypatch.setattr("runs.engine.circuit_breaker.IN_A_ROW_S", -1.0)  # the ids of calls know the real time alone

    with answered_by(Provider(TROUBLES["500"], until=clock.now() + HOUR)):
        for _ in range(6):
            clock.advance(31)
            post("clerk")
            work()

    assert not CircuitBreaker.objects.exists()


def test_a_job_type_that_calls_it_permanent_fails_at_once_even_with_the_circuit_open(post, work, monkeypatch):
    CircuitBreaker.objects.create(
        provider="anthropic",
        model="claude-sonnet-5-5",
        open_reason="circuit",
        open_until=clock.now(),
        opened_at=clock.now(),
    )
    monkeypatch.setattr(Clerk, "errors", {anthropic.InternalServerError: "permanent"})
    post("clerk")

    with answered_by(Provider(TROUBLES["529"], until=clock.now() + HOUR)):
        outcomes = work()

    assert [type(outcome) for outcome in outcomes] == [Failed]


@pytest.mark.parametrize(
    ("policy", "tries"), [(None, 5), ((1, 2, 3, 4, 5, 6), 7), ((), 1), (Narrow(), 3)], ids=["default", "6", "0", "3"]
)
@pytest.mark.parametrize("error_kind", TROUBLES)
def test_the_list_is_what_happens_for_every_kind_of_trouble(policy, tries, error_kind):
    class Listed(Agent):
        name, model = "listed", "claude-sonnet-5-5"
        retry = policy if isinstance(policy, Narrow) else None
        retry_delays_s = policy if isinstance(policy, tuple) else None

    run, made = Run(), 1
    while True:
        retry = next_try(TROUBLES[error_kind][0](), run, Listed())
        if retry is None:
            break
        run.failed_tries, made = retry.failed, made + 1

    assert made == tries
