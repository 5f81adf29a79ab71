"""The plan is the seed's, balances the fault points, and gives up on those that are never passed."""

from agentops.lab.chaos.options import RANDOM, Options
from agentops.lab.chaos.plan import ChaosPlan
from runs.fault_points import POINTS


def first(ending):
    return ending.points[0] if ending.points else RANDOM


def lives(plan, count, *, hit=first):
    drawn = []
    for _ in range(count):
        ending = plan.for_worker()
        plan.ended(ending, hit(ending))
        drawn.append(ending)
    return drawn


def test_the_same_seed_draws_the_same_endings():
    assert lives(ChaosPlan(Options(seed=4)), 50) == lives(ChaosPlan(Options(seed=4)), 50)
    assert lives(ChaosPlan(Options(seed=4)), 50) != lives(ChaosPlan(Options(seed=5)), 50)


def test_every_point_of_a_worker_is_hit_five_times_before_long():
    plan = ChaosPlan(Options())

    lives(plan, 5 * len(POINTS) * 2)

    assert plan.below() == ["decide.before"], "that one lies in the web server"
    hits = [plan.hits[point] for point in POINTS if point != "decide.before"]
    assert max(hits) - min(hits) <= 2, "the least hit point comes first"


def test_some_lives_end_at_random_moments():
    drawn = lives(ChaosPlan(Options()), 200)

    assert 20 < sum(not ending.points for ending in drawn) < 90


def test_what_is_armed_now_counts_as_hit():
    plan = ChaosPlan(Options(kill=POINTS[:6]))

    assert {*plan.for_worker().points, *plan.for_worker().points} == set(POINTS[:6])


def test_a_point_that_is_never_passed_does_not_hold_up_the_others():
    plan = ChaosPlan(Options())

    lives(plan, 300, hit=lambda e: next((p for p in e.points if p != "expire.before"), RANDOM))

    assert "expire.before" in plan.below() and plan.hits["tool.after"] > 5
    assert plan.misses["expire.before"] < 10


def test_only_the_points_asked_for_are_armed_and_without_a_fuse():
    drawn = lives(ChaosPlan(Options(kill=("tool.after",))), 20)

    assert {ending.points for ending in drawn} == {("tool.after",)}
    assert {ending.fuse_s for ending in drawn} == {float("inf")}
    assert drawn[0].faults.startswith("tool.after:KILL:")


def test_stops_are_armed_beside_the_ending():
    drawn = lives(ChaosPlan(Options(stop=("tool.before", RANDOM))), 100)

    assert {ending.stop for ending in drawn} == {"tool.before", RANDOM, None}
    assert any("tool.before:STOP" in ending.faults for ending in drawn)


def test_the_web_server_is_hit_only_where_it_passes():
    plan = ChaosPlan(Options())

    drawn = [plan.for_web().points for _ in range(60)]
    assert {point for points in drawn for point in points} == {"ring.before", "decide.before"} and () in drawn


def test_who_passes_none_of_the_points_asked_for_is_left_alone():
    plan = ChaosPlan(Options(kill=("tool.after",)))

    assert plan.for_web() is None and plan.for_clock() is None
