"""Runs are let in as kills are done: never too few to be disturbed, never more than can be held."""

from agentops.chaos.options import Options
from agentops.chaos.pace import Pace, Stand

PACE = Pace(Options(runs=100, kills=10), slots=32)


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
    assert Pace(Options(runs=20, kills=0), slots=32).allowed(Stand(), posted=0, kills=0, hungry=False) == 20
