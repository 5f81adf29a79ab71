"""Runs are let in as kills are done: never too few to be disturbed, never more than can be held."""

from agentops.lab.chaos.options import Options
from agentops.lab.chaos.pace import ChaosPace, Stand

PACE = ChaosPace(Options(runs=100, kills=10), slots=32)


def allowed(stand, *, posted, kills, hungry=False):
    return PACE.allowed(stand, posted=posted, kills=kills, hungry=hungry)


def test_runs_and_kills_end_together():
    assert allowed(Stand(), posted=0, kills=0) == 10
    assert allowed(Stand(ended=40), posted=40, kills=4) == 50
    assert allowed(Stand(ended=90), posted=90, kills=10) == 100


def test_a_killer_without_work_to_disturb_gets_some():
    assert allowed(Stand(ended=10), posted=10, kills=0, hungry=True) == 13
    assert allowed(Stand(ended=10), posted=10, kills=0, hungry=False) == 10


def test_far_behind_in_kills_one_run_at_a_time_must_do():
    assert allowed(Stand(ended=50), posted=50, kills=0, hungry=True) == 51
    assert allowed(Stand(ended=50, working=1), posted=51, kills=0, hungry=True) == 51


def test_no_more_are_let_in_than_the_slots_can_hold():
    assert allowed(Stand(working=32), posted=40, kills=9) == 40
    assert allowed(Stand(working=30), posted=40, kills=9) == 42


def test_without_kills_all_runs_may_come():
    assert ChaosPace(Options(runs=20, kills=0), slots=32).allowed(Stand(), posted=0, kills=0, hungry=False) == 20


def test_where_runs_end_before_the_kills_a_few_more_are_posted_to_be_disturbed():
    assert allowed(Stand(ended=100), posted=100, kills=9, hungry=True) == 103
    assert allowed(Stand(ended=100), posted=100, kills=10, hungry=True) == 100
    assert allowed(Stand(ended=150), posted=150, kills=9, hungry=True) == 150


def test_it_is_over_when_all_has_ended_and_the_kills_are_done_or_cannot_be():
    assert not PACE.is_over(Stand(ended=100), posted=100, kills=9)
    assert not PACE.is_over(Stand(ended=99), posted=100, kills=10)
    assert PACE.is_over(Stand(ended=100), posted=100, kills=10)
    assert PACE.is_over(Stand(ended=150), posted=150, kills=9)
