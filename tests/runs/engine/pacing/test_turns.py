"""Model calls take their turn: none is faster than its paces allow, and who must wait longer gives the slot back."""

from types import SimpleNamespace
from uuid import uuid4

import pytest

from runs import clock
from runs.engine.advance import advance
from runs.engine.outcomes import Completed, Paced, Released
from runs.engine.pacing import change_over, turns
from runs.engine.pacing.rows import forget_paces, paces_for
from runs.engine.scopes import forget_rules
from runs.invariants.every import breaches
from runs.maintenance import wake_paced as maintenance
from runs.maintenance.reconcile import reconcile
from runs.maintenance.release_held import release_held
from runs.maintenance.wake_paced import wake_paced
from runs.models import CircuitBreaker, ModelCall, Pace, Pause, QueueLane, Run, RunEvent
from runs.operations.accounts import make_member, make_tenant
from runs.operations.cancel_run import cancel_run
from runs.operations.post_run import RunRequest, post_run
from runs.operations.why import why
from runs.queue.claim import claim_next

pytestmark = pytest.mark.django_db(transaction=True)

MODEL = "claude-sonnet-5-5"
TEXT = {"content": [{"type": "text", "text": "Done."}]}
LOOK = {"content": [{"type": "tool_use", "name": "look_up", "input": {"key": "a"}}]}
SCRIPT = {"turns": [TEXT]}


@pytest.fixture(autouse=True)
def only_the_database():
    """Keep the paces without Redis; its turn comes in `test_change_over.py`."""
    former = change_over.keep_with(None)
    yield
    change_over.keep_with(former)


@pytest.fixture
def pace():
    """Make a pace whose bucket is full: a minute has passed since it was made."""

    def make(model_class="claude-sonnet-5", **limits):
        row = Pace.objects.create(model_class=model_class, ramp_s=0, **limits)
        forget_paces()
        change_over.peek(paces_for(MODEL))
        clock.advance(60)
        return row

    return make


@pytest.fixture
def patience(monkeypatch):
    """Let slots wait for so long at most, while the clocks run ahead; returns the seconds that they have waited."""

    def patience(most_s, meanwhile=lambda: None):
        waited = []

        def sleep(seconds):
            waited.append(seconds)
            clock.advance(seconds)
            meanwhile()

        for module in (turns, maintenance):
            monkeypatch.setattr(module, "PATIENCE_S", most_s)
        monkeypatch.setattr(turns, "time", SimpleNamespace(sleep=sleep))
        return waited

    return patience


def left():
    """What the first pace has left of requests, input and output tokens."""
    return change_over.peek(paces_for(MODEL))[0].left


def reason(run):
    return [one for one in why(Run.objects.get(pk=run.pk)) if one.code != "no_worker"]


def test_what_fits_the_pace_is_asked_and_the_next_run_gives_its_slot_back(offline, post, work, pace):
    model = offline(SCRIPT)
    pace(requests_per_minute=12)  # one is there, one more comes in five seconds
    runs = [post("clerk") for _ in range(3)]

    outcomes = work()

    assert [type(one) for one in outcomes] == [Completed, Paced, Paced]
    assert len(model.requests) == 1 and ModelCall.objects.count() == 1, "no intent, no reserve"
    held = Run.objects.get(pk=runs[1].pk)
    assert (held.status, held.attempts, held.held_by.model) == ("queued", 0, MODEL)
    assert QueueLane.objects.get().queued == 0 and work() == [], "no claim takes them"
    assert release_held() == 0, "a closed circuit does not hurry them"
    assert not list(breaches())


def test_a_held_run_says_which_limit_is_used_up_and_until_when(offline, post, work, pace):
    offline(SCRIPT)
    pace(requests_per_minute=12)
    post("clerk")
    first, second = post("clerk"), post("clerk")
    work()

    (one,), (other,) = reason(first), reason(second)

    assert one.code == other.code == "rate"
    assert one.message == "12 requests a minute of anthropic claude-sonnet-5 are used up"
    assert 3 < (one.until - clock.now()).total_seconds() <= 5
    assert 8 < (other.until - clock.now()).total_seconds() <= 10, "behind the first"
    assert RunEvent.objects.get(run=first, kind="run.held_back").data["until"] == one.until.isoformat()


def test_the_sweep_lets_go_on_as_many_as_fit_and_no_more(offline, post, work, pace):
    model = offline(SCRIPT)
    pace(requests_per_minute=20)  # one comes in three seconds
    for _ in range(9):
        post("clerk")
    work()
    before = len(model.requests)
    clock.advance(5)

    assert wake_paced() == 2, "one that is there, and one that is there before a slot loses patience"

    assert wake_paced() == 0, "those who were let go are counted, though they have not asked yet"
    assert work() == [Completed("Done.")] * 2 and len(model.requests) == before + 2


def test_in_the_end_all_are_answered_and_none_has_used_up_a_try(offline, post, work, pace):
    model = offline(SCRIPT)
    pace(requests_per_minute=60)
    runs = [post("clerk") for _ in range(12)]
    work()

    for _ in range(20):
        clock.advance(3)
        reconcile()
        work()

    assert len(model.requests) == len(runs)
    assert set(Run.objects.values_list("status", "attempts", "held_by", "pace_need")) == {("completed", 0, None, None)}
    assert not list(breaches())


def test_tenants_go_on_in_turn_whoever_has_posted_more(offline, work, pace):
    offline(SCRIPT)
    pace(requests_per_minute=12)
    for slug, count in (("flood", 9), ("drop", 2)):
        tenant = make_tenant(slug)
        user = make_member(tenant, None)
        for _ in range(count):
            request = RunRequest(job_type="clerk", input={"text": "hello"})
            post_run(request, tenant=tenant, user=user, origin="test")
    work()

    went_on = []
    for _ in range(4):
        clock.advance(5)
        wake_paced()
        went_on += Run.objects.filter(pace_need__isnull=False, held_by=None).values_list("tenant__slug", flat=True)
        work()

    assert went_on.count("drop") >= 1 and went_on.index("drop") <= 1, went_on


def test_a_new_run_does_not_overtake_those_who_wait(offline, post, work, pace, patience):
    offline(SCRIPT)
    pace(requests_per_minute=12)  # one comes in five seconds
    for _ in range(3):
        post("clerk")
    work()
    patience(5)
    clock.advance(1)  # and the next is so near that a slot would wait for it

    new = post("clerk")

    assert [type(one) for one in work()] == [Paced] and reason(new)[0].code == "rate"
    clock.advance(3)
    assert wake_paced() == 1 and work() == [Completed("Done.")]


def test_a_short_wait_is_waited_for_in_the_slot(offline, post, work, pace, patience):
    model = offline(SCRIPT)
    pace(requests_per_minute=12)  # one is there, one more comes in five seconds
    waited = patience(6)
    for _ in range(2):
        post("clerk")

    outcomes = work()

    assert outcomes == [Completed("Done.")] * 2 and len(model.requests) == 2
    assert 0 < sum(waited) <= 5


def test_what_was_done_before_is_written_before_a_wait(offline, post, work, pace, patience):
    offline({"turns": [LOOK, TEXT]})
    pace(requests_per_minute=12)
    post("clerk")
    seen = []
    patience(6, lambda: seen.append(Run.objects.get().steps.get(kind="tool_call").status))

    work()

    assert set(seen) == {"completed"}


def test_a_run_that_waits_in_its_slot_is_given_back_when_the_worker_stops(offline, post, pace):
    offline(SCRIPT)
    pace(requests_per_minute=60)
    change_over.take(paces_for(MODEL), (5.0, 0.0, 0.0), patience_s=0)
    post("clerk")

    run, lease = claim_next(["agents"], worker_id=uuid4(), worker_name="test")
    lease.release.set()
    before = left()[0]

    assert isinstance(advance(run, lease), Released)

    assert left()[0] >= before, "nothing was used"
    assert Run.objects.get().status == "queued" and not ModelCall.objects.exists()


def test_the_turn_is_settled_by_the_tokens_really_used(offline, post, work, pace):
    model = offline(SCRIPT)
    pace(input_tokens_per_minute=60_000, output_tokens_per_minute=12_000)
    before = left()

    post("clerk")
    work()

    usage = model.requests[0]["response"]["usage"]
    now = left()
    assert before[1] - now[1] <= usage["input_tokens"] + usage["cache_creation_input_tokens"]
    assert before[2] - now[2] <= usage["output_tokens"]


def test_a_call_that_was_refused_gives_its_tokens_back(offline, post, work, pace):
    refused = {"kind": "status", "status": 400, "error_type": "invalid_request_error", "times": -1}
    offline({"turns": [TEXT | {"faults": [refused]}]})
    pace(requests_per_minute=6, input_tokens_per_minute=600)

    post("clerk")
    work()

    requests, inputs, _ = left()
    assert inputs == 50 and requests < 1


@pytest.mark.parametrize("model_class", ["claude-sonnet-5", "*"])
def test_the_headers_of_an_answer_clamp_the_pace(offline, post, work, pace, model_class):
    offline(SCRIPT, per_minute={"requests": 30})
    pace(model_class, requests_per_minute=600)

    post("clerk")
    work()

    (bucket,) = change_over.peek(paces_for(MODEL))
    assert bucket.told[0] == 30 and bucket.per_second(paces_for(MODEL)[0].limits)[0] == 0.5


def test_the_headers_clamp_the_row_of_all_models_only_where_no_narrower_one_applies(offline, post, work, pace):
    offline(SCRIPT, per_minute={"requests": 30})
    pace("*", requests_per_minute=600)
    pace("claude", requests_per_minute=600)

    post("clerk")
    work()

    assert [bucket.told[0] for bucket in change_over.peek(paces_for(MODEL))] == [None, 30]


def test_a_prompt_that_the_provider_has_cached_is_not_counted_again(offline, post, work, pace):
    model = offline({"turns": [LOOK, LOOK, TEXT]})
    pace(input_tokens_per_minute=120_000)
    text = "x" * 24_000  # 6,000 tokens; the bucket holds 10,000

    post("clerk", text)
    outcomes = work()

    assert outcomes == [Completed("Done.")] and len(model.requests) == 3
    assert model.requests[2]["response"]["usage"]["cache_read_input_tokens"] > 5_000


def test_all_paces_that_fit_must_be_kept(offline, post, work, pace):
    offline(SCRIPT)
    pace("*", requests_per_minute=600)
    pace("claude-sonnet-5", requests_per_minute=12)
    pace("claude-opus-5", requests_per_minute=1)
    post("clerk")
    held = post("clerk")

    outcomes = work()

    assert [type(one) for one in outcomes] == [Completed, Paced]
    assert "12 requests a minute of anthropic claude-sonnet-5" in reason(held)[0].message


def test_a_pace_of_another_workspace_does_not_hold(offline, post, work, settings):
    offline(SCRIPT)
    Pace.objects.create(model_class="*", workspace="other", requests_per_minute=1)
    for _ in range(2):
        post("clerk")

    assert work() == [Completed("Done.")] * 2

    settings.AGENTOPS = {**settings.AGENTOPS, "provider_workspace": "other"}
    forget_paces()
    post("clerk")
    assert [type(one) for one in work()] == [Paced]


def test_an_edit_holds_within_a_second_and_a_deleted_pace_holds_nobody(offline, post, work, pace):
    offline(SCRIPT)
    row = pace(requests_per_minute=12)
    for _ in range(4):
        post("clerk")
    work()

    row.delete()
    clock.advance(1.1)
    assert wake_paced() == 3

    assert work() == [Completed("Done.")] * 3


def test_a_held_run_is_cancelled_at_once(offline, post, work, pace, user):
    offline(SCRIPT)
    pace(requests_per_minute=12)
    post("clerk")
    held = post("clerk")
    work()

    cancel_run(Run.objects.get(pk=held.pk), user=user)

    held.refresh_from_db()
    assert (held.status, held.held_by, held.pace_need) == ("cancelled", None, None)
    assert not list(breaches())


def test_who_waits_for_the_pace_waits_for_an_open_circuit_too(offline, post, work, pace):
    offline(SCRIPT)
    pace(requests_per_minute=12)
    post("clerk")
    held = post("clerk")
    work()
    CircuitBreaker.objects.update(
        open_reason="rate", opened_at=clock.now(), open_until=clock.in_seconds(300), reason="429"
    )

    clock.advance(60)

    assert wake_paced() == 0 and release_held() == 0
    assert [one.code for one in reason(held)] == ["rate", "rate"]
    clock.advance(300)
    assert release_held() == 1, "as the probe"
    assert work() == [Completed("Done.")]


def test_a_paused_tenant_takes_no_turn_of_the_others(offline, post, work, pace, tenant, user):
    offline(SCRIPT)
    pace(requests_per_minute=12)
    for _ in range(3):
        post("clerk")
    work()
    other = make_tenant("other")
    request = RunRequest(job_type="clerk", input={"text": "hello"})
    mine, _ = post_run(request, tenant=other, user=make_member(other, None), origin="test")
    work()
    Pause.objects.create(tenant=tenant, paused_by=user, paused_at=clock.now(), reason="a flood")
    forget_rules()
    clock.advance(5)

    assert wake_paced() == 1

    mine.refresh_from_db()
    assert mine.held_by is None and work() == [Completed("Done.")]
