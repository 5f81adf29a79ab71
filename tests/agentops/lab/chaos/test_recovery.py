"""Recovery is measured from the kill to the next claim, for the runs that the dead worker held."""

from uuid import UUID

from agentops.lab.chaos.recovery import percentile, waits_s

RUN, OTHER = UUID(int=1), UUID(int=2)


def test_a_held_run_waited_until_its_next_claim():
    assert waits_s(100.0, [(RUN, 1)], {(RUN, 1): 102.0}, {(RUN, 1): 90.0, (RUN, 2): 102.5}) == [2.5]


def test_a_claim_that_had_ended_before_was_not_held():
    assert waits_s(100.0, [(RUN, 1)], {}, {(RUN, 1): 90.0, (RUN, 2): 102.5}) == []


def test_a_run_that_was_taken_from_a_stopped_worker_before_its_death_does_not_count():
    assert waits_s(100.0, [(RUN, 1)], {(RUN, 1): 95.0}, {(RUN, 1): 80.0, (RUN, 2): 95.5}) == []


def test_a_run_that_nobody_claimed_again_has_no_recovery():
    assert waits_s(100.0, [(RUN, 1), (OTHER, 3)], {(RUN, 1): 101.0, (OTHER, 3): 101.0}, {(OTHER, 4): 104.0}) == [4.0]


def test_percentiles_are_values_that_were_measured():
    values = [float(n) for n in range(1, 101)]

    assert (percentile(values, 0.5), percentile(values, 0.99), percentile(values, 1.0)) == (50.0, 99.0, 100.0)
    assert percentile([], 0.5) is None and percentile([7.0], 0.99) == 7.0
