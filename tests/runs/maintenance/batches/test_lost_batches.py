"""To make a batch is not idempotent: whatever dies or is lost, no call is sent twice without need, and none is lost."""

from datetime import timedelta

import pytest
from django.db.models import Count

from runs import clock
from runs.clock import Now
from runs.conf import conf
from runs.engine import provider
from runs.maintenance.batches.collect import LOST_AFTER_S, collect
from runs.maintenance.batches.send import send
from runs.maintenance.batches.tend import tend_batches
from runs.models import MessageBatch, ModelCall, Run
from runs.operations.cancel_run import cancel_run

pytestmark = pytest.mark.django_db


def made():
    """How many batches the provider has."""
    return len(list(provider.client().messages.batches.list()))


def statuses():
    return list(MessageBatch.objects.order_by("created_at").values_list("status", flat=True))


def all_completed():
    return set(Run.objects.values_list("status", flat=True)) == {"completed"}


def each_answered_once(model):
    asked = [entry["body"]["messages"][0]["content"][0]["text"] for entry in model.requests]
    return sorted(asked) == ["number 0", "number 1", "number 2"]


@pytest.mark.parametrize(
    ("point", "batches"), [("batch.before", ["not_made", "collected"]), ("batch.after", ["collected"])]
)
def test_a_death_around_the_create_costs_time_and_no_second_sending(three, crash_at, tend, work, point, batches):
    model = three()

    crash_at(point)
    assert statuses() == ["sending"]
    tend(3), work()

    assert (statuses(), made()) == (batches, 1)
    assert all_completed() and each_answered_once(model)


def test_a_death_while_results_are_taken_in_repeats_none(three, crash_at, tend, work):
    model = three()

    crash_at("ingest.before")
    tend(), work()

    assert (statuses(), made()) == (["collected"], 1)
    assert all_completed() and each_answered_once(model)
    assert ModelCall.objects.count() == 3


@pytest.mark.parametrize(
    ("kind", "batches"), [("batch_lost", ["collected"]), ("batch_not_made", ["not_made", "collected"])]
)
def test_a_create_whose_answer_is_lost_is_looked_for_before_another(three, tend, work, kind, batches):
    model = three({"kind": kind})

    tend(1)
    assert statuses() == ["sending"]
    tend(1)
    assert made() <= 1, "nothing is sent again before its time"
    clock.advance(conf().batch_settles_s)
    tend(3), work()

    assert (statuses(), made()) == (batches, 1)
    assert all_completed() and each_answered_once(model)


def test_nothing_is_sent_again_while_a_batch_that_may_be_ours_has_not_ended(three, tend, work):
    three({"kind": "batch_lost"}, batch_s=2.0)
    tend(1)

    clock.advance(conf().batch_settles_s)
    tend(3)

    assert (statuses(), made()) == (["sending"], 1)


def test_another_batch_of_the_same_size_is_not_taken_for_ours(three, tend, work):
    three({"kind": "batch_not_made"})
    tend(1)
    theirs = provider.client().messages.batches.create(
        requests=[
            {"custom_id": f"theirs-{n}", "params": {"model": "claude-opus-5-5", "max_tokens": 9, "messages": [
                {"role": "user", "content": "Hello"}]}}
            for n in range(3)
        ]
    )  # fmt: skip

    clock.advance(conf().batch_settles_s)
    tend(3), work()

    first = MessageBatch.objects.order_by("created_at").first()
    assert (first.status, first.not_ours) == ("not_made", [theirs.id])
    assert all_completed() and made() == 2


def test_a_refusal_in_passing_is_sent_again_later(three, tend, work):
    three({"kind": "batch_refused"})

    tend(1)
    batch = MessageBatch.objects.get()
    assert (batch.status, batch.tries) == ("formed", 1) and "OverloadedError" in batch.error
    tend(), work()

    assert (statuses(), made()) == (["collected"], 1)
    assert all_completed()


def test_a_model_that_cannot_be_reached_was_surely_not_asked(three, tend, work):
    model = three()
    model.stop()
    tend(1)
    assert statuses() == ["formed"]

    model.start()
    tend(), work()

    assert all_completed() and each_answered_once(model)


def test_a_batch_that_is_refused_as_a_whole_is_halved_until_the_innocent_are_answered(three, tend, work, finish):
    three()
    guilty = ModelCall.objects.order_by("pk").first()
    guilty.batched.body = guilty.batched.body.replace('"max_tokens"', '"stream":true,"max_tokens"', 1)
    guilty.batched.save()

    tend(4), work()

    assert sorted(Run.objects.values_list("status", flat=True)) == ["completed", "completed", "failed"]
    assert Run.objects.get(status="failed") == guilty.run
    assert sorted(statuses()) == ["collected", "not_made", "not_made", "not_made"][: len(statuses())] or made() == 2


def test_of_many_workers_one_sends(three, tend):
    three()
    clock.advance(61)
    from runs.maintenance.batches.form import form_batches

    form_batches()
    one, other = MessageBatch.objects.get(), MessageBatch.objects.get()

    send(one), send(other)

    assert made() == 1


def test_results_that_are_collected_twice_are_taken_in_once(three, tend, work):
    three()
    tend()
    batch = MessageBatch.objects.get()

    assert collect(batch) == 0

    work()
    assert all_completed()


def test_a_result_is_waited_for_while_the_provider_is_away(three, tend, work):
    model = three()
    tend(1)
    model.stop()
    tend(1)
    batch = MessageBatch.objects.get()
    assert batch.status == "in_progress" and "APIConnectionError" in batch.error

    model.start()
    tend(), work()

    assert all_completed()


def test_a_batch_that_is_gone_for_good_counts_as_spent_and_its_calls_are_tried_again(three, tend, work):
    three()
    tend(1)
    MessageBatch.objects.update(provider_id="msgbatch_gone")
    clock.advance(LOST_AFTER_S)

    tend_batches(), work()

    assert statuses() == ["collected"] and MessageBatch.objects.get().lost == 3
    calls = ModelCall.objects.values("status").annotate(count=Count("pk"))
    assert list(calls) == [{"status": "presumed", "count": 3}]
    assert set(Run.objects.values_list("status", "attempts")) == {("retrying", 1)}


def test_a_run_cancelled_while_nobody_knows_whether_its_batch_was_made_pays_nothing_if_it_was_not(
    three, tend, user, work
):
    three({"kind": "batch_not_made"})
    tend(1)
    run = Run.objects.first()
    run = cancel_run(run, user=user)
    assert run.cost_usd > 0

    clock.advance(conf().batch_settles_s)
    tend(3), work()

    run.refresh_from_db()
    assert (run.status, run.cost_usd) == ("cancelled", 0)
    assert sorted(Run.objects.values_list("status", flat=True)) == ["cancelled", "completed", "completed"]
    assert MessageBatch.objects.order_by("created_at").last().requests == 2


def test_a_worker_that_was_stopped_before_the_create_does_not_send_any_more(three, monkeypatch, tend):
    three()

    from runs.maintenance.batches import send as module

    monkeypatch.setattr(module, "fault_point", lambda name: clock.advance(conf().batch_settles_s / 2))
    tend(1)

    assert (statuses(), made()) == (["sending"], 0)
    assert MessageBatch.objects.filter(sent_at__lte=Now() - timedelta(seconds=1)).exists()
