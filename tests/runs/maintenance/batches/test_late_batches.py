"""When a batch is given up: its calls are paid twice then, so only when nothing more can be known of it."""

import pytest

from runs import clock
from runs.maintenance.batches.collect import KEPT_S, LOST_AFTER_S
from runs.maintenance.batches.tend import tend_batches
from runs.models import MessageBatch
from tests.runs.maintenance.batches.test_lost_batches import all_completed, each_answered_once, made, statuses

pytestmark = pytest.mark.django_db


def test_a_passing_trouble_throws_no_finished_batch_away_however_late_it_is(three, tend, work):
    model = three()
    tend(1)
    clock.advance(LOST_AFTER_S + 3600)  # all workers were away

    model.stop()
    tend_batches()
    assert statuses() == ["in_progress"]
    model.start()
    tend(), work()

    assert (statuses(), made()) == (["collected"], 1)
    assert all_completed() and each_answered_once(model)


def test_a_batch_is_lost_when_its_results_are_no_longer_kept(three, tend):
    model = three()
    tend(1)
    clock.advance(KEPT_S)

    model.stop()
    tend_batches()

    assert MessageBatch.objects.get().lost == 3


def test_a_batch_that_is_gone_may_show_up_again_for_as_long_as_it_may_run(three, tend):
    three()
    tend(1)
    MessageBatch.objects.update(provider_id="msgbatch_gone")  # or the key is of another workspace for a while

    tend()

    assert statuses() == ["in_progress"] and "NotFoundError" in MessageBatch.objects.get().error


def test_a_short_list_of_results_is_read_again_for_a_day(three, tend):
    three()
    tend(1)
    clock.advance(LOST_AFTER_S)
    MessageBatch.objects.update(requests=4)

    tend()
    assert statuses() == ["ended"] and "3 results of 4" in MessageBatch.objects.get().error
    clock.advance(LOST_AFTER_S)
    tend()

    assert statuses() == ["collected"]


@pytest.mark.parametrize(("point", "batches"), [("batch.before", "not_made"), ("batch.after", "collected")])
def test_whether_a_batch_was_made_is_found_out_after_any_time(three, crash_at, tend, work, point, batches):
    model = three()
    crash_at(point)
    clock.advance(LOST_AFTER_S)  # all workers were away

    tend_batches()
    assert statuses()[0] == batches
    tend(), work()

    assert made() == 1
    assert all_completed() and each_answered_once(model)


def test_a_batch_that_may_be_ours_and_never_ends_makes_ours_lost(three, tend, work):
    three({"kind": "batch_lost"}, batch_s=30.0)
    tend(1)
    clock.advance(LOST_AFTER_S)

    tend_batches()

    assert MessageBatch.objects.get().lost == 3
