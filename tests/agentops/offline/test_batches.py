"""Message batches, through the real SDK."""

import itertools

import anthropic
import pytest

from agentops.offline.quota import OUTPUT, REQUESTS

SAID = {"name": "said", "turns": [{"content": [{"type": "text", "text": "Said: {{user}}"}]}]}


class Clock:
    now = 1_800_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def batches(serve, connect, clock):
    """Start a model over scripts, whose batches take a minute; return the SDK's side of it."""

    def start(*scripts, **options):
        model = serve(*(scripts or [SAID]), clock=clock, batch_s=60, **options)
        connected = connect(model).messages.batches
        connected.model = model
        return connected

    return start


@pytest.fixture
def requests(ask):
    return lambda *texts: [{"custom_id": f"id-{number}", "params": ask(text)} for number, text in enumerate(texts)]


def results(batches, batch):
    return {line.custom_id: line.result for line in batches.results(batch.id)}


def test_a_batch_is_in_progress_until_its_time_is_over(batches, requests, clock):
    batches = batches()

    batch = batches.create(requests=requests("one", "two"))
    assert (batch.processing_status, batch.request_counts.processing, batch.results_url) == ("in_progress", 2, None)
    with pytest.raises(anthropic.AnthropicError):
        batches.results(batch.id)
    clock.now += 61
    ended = batches.retrieve(batch.id)

    assert (ended.processing_status, ended.request_counts.succeeded) == ("ended", 2)
    assert ended.ended_at and ended.results_url


def test_results_are_found_where_the_client_asked(batches, requests, clock):
    batches = batches()
    batch = batches.create(requests=requests("one"))
    clock.now += 61

    ended = batches.retrieve(batch.id, extra_headers={"host": "model.test:8443"})

    assert ended.results_url == f"http://model.test:8443/v1/messages/batches/{batch.id}/results"


def test_results_come_in_another_order_and_are_paid_at_the_batch_tier(batches, requests, clock):
    batches = batches()
    batch = batches.create(requests=requests("one", "two", "three"))
    clock.now += 61

    lines = list(batches.results(batch.id))

    assert [line.custom_id for line in lines] == ["id-2", "id-1", "id-0"]
    message = lines[0].result.message
    assert message.content[0].text == "Said: three"
    assert message.usage.service_tier == "batch" and message.usage.input_tokens > 0
    assert [entry["response"]["id"] for entry in batches.model.requests][-1] == message.id


@pytest.mark.parametrize("ids", [("a", "a"), ("", "b"), ("a b", "c"), ("x" * 65, "c")])
def test_custom_ids_are_unique_and_well_formed(batches, ask, ids):
    with pytest.raises(anthropic.BadRequestError, match="custom_id"):
        batches().create(requests=[{"custom_id": custom_id, "params": ask()} for custom_id in ids])


def test_streams_and_empty_batches_are_refused(batches, ask):
    batches = batches()
    with pytest.raises(anthropic.BadRequestError, match="stream"):
        batches.create(requests=[{"custom_id": "a", "params": ask(stream=True)}])
    with pytest.raises(anthropic.BadRequestError, match="requests"):
        batches.create(requests=[])


def test_a_request_with_unknown_fields_is_refused(batches, ask):
    with pytest.raises(anthropic.BadRequestError, match=r"requests\.0\.priority: Extra inputs are not permitted"):
        batches().create(requests=[{"custom_id": "a", "params": ask(), "priority": 1}])


def test_a_request_that_is_wrong_is_an_errored_result_and_no_reason_to_refuse_the_batch(batches, ask, clock):
    batches = batches()
    bad = {"custom_id": "bad", "params": ask(model="gpt")}
    batch = batches.create(requests=[bad, {"custom_id": "good", "params": ask("Hi")}])
    clock.now += 61

    found = results(batches, batch)

    assert (found["bad"].type, found["bad"].error.error.type) == ("errored", "invalid_request_error")
    assert found["good"].type == "succeeded"


@pytest.mark.parametrize(
    ("kind", "result"), [("overloaded", "errored"), ("batch_expired", "expired"), ("hang", "succeeded")]
)
def test_faults_become_results(batches, requests, faulty, clock, kind, result):
    batches = batches(faulty({"kind": kind}))
    batch = batches.create(requests=requests("one"))
    clock.now += 61

    assert results(batches, batch)["id-0"].type == result
    counted = batches.retrieve(batch.id).request_counts
    assert getattr(counted, result) == 1


@pytest.mark.parametrize(("kind", "made"), [("batch_lost", 1), ("batch_not_made", 0)])
def test_the_answer_of_a_create_may_be_lost(batches, requests, faulty, kind, made):
    batches = batches(faulty({"kind": kind}))

    with pytest.raises(anthropic.APIConnectionError):
        batches.create(requests=requests("one"))

    assert len(batches.list().data) == made


def test_a_create_may_be_refused_once(batches, requests, faulty):
    batches = batches(faulty({"kind": "batch_refused"}))
    with pytest.raises(anthropic.OverloadedError):
        batches.create(requests=requests("one"))

    assert batches.create(requests=requests("one")).id.startswith("msgbatch_")


def test_what_happens_to_batches_does_not_happen_to_a_request_of_its_own(serve, connect, ask, faulty):
    client = connect(serve(faulty({"kind": "batch_expired"}, {"kind": "batch_lost"})))

    assert client.messages.create(**ask()).content[0].text == "All is well."


def test_a_cancelled_batch_ends_with_canceled_results(batches, requests, clock):
    batches = batches()
    batch = batches.create(requests=requests("one"))
    clock.now += 1

    assert batches.cancel(batch.id).processing_status == "canceling"

    assert batches.retrieve(batch.id).request_counts.canceled == 1
    assert results(batches, batch)["id-0"].type == "canceled"


def test_the_list_is_read_page_by_page_newest_first(batches, requests, clock):
    batches = batches()
    made = []
    for _ in range(5):
        made.append(batches.create(requests=requests("one")).id)
        clock.now += 1

    assert [batch.id for batch in itertools.islice(batches.list(limit=2), 9)] == made[::-1]
    assert [batch.id for batch in batches.list(before_id=made[2], limit=1).data] == [made[3]]


def test_an_unknown_batch_is_not_found(batches):
    with pytest.raises(anthropic.NotFoundError):
        batches().retrieve("msgbatch_none")


def test_the_quota_of_single_requests_is_not_that_of_batches(batches, requests, clock):
    batches = batches(per_minute={REQUESTS: 12, OUTPUT: 12})

    batch = batches.create(requests=requests("one", "two", "three", "four", "five"))
    clock.now += 60

    assert {result.type for result in results(batches, batch).values()} == {"succeeded"}
