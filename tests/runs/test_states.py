"""The table of moves is complete, and nothing leaves a final status."""

import pytest

from runs.states import FINAL, MOVES, RunStatus, may_move


def test_every_status_has_a_row():
    assert set(MOVES) == set(RunStatus)


def test_only_completed_and_cancelled_are_final():
    assert {RunStatus.COMPLETED, RunStatus.CANCELLED} == FINAL


@pytest.mark.parametrize("status", sorted(set(RunStatus) - FINAL - {RunStatus.FAILED}))
def test_every_other_status_can_be_cancelled_or_goes_on(status):
    assert may_move(status, RunStatus.CANCELLED)


def test_work_begins_only_from_the_queue():
    assert [status for status in RunStatus if may_move(status, RunStatus.RUNNING)] == [RunStatus.QUEUED]
