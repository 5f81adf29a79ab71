"""What may be asked for, and what is refused before anything starts."""

from argparse import ArgumentParser

import pytest

from agentops.lab.chaos.options import RANDOM, CannotRunError, add_options, options_of


def read(*given):
    parser = ArgumentParser()
    add_options(parser)
    return options_of(vars(parser.parse_args(given)))


def test_the_defaults():
    options = read()

    assert (options.runs, options.kills, options.db, options.workers) == (100, 30, "sqlite", 4)
    assert options.flush_redis_s is options.restart_db_s is options.term_s is None
    assert options.ends_in_s > 300


def test_intervals_may_be_given_or_left_to_their_defaults():
    options = read("--flush-redis", "--term", "--restart-db", "3", "--db", "postgres")

    assert (options.flush_redis_s, options.term_s, options.restart_db_s) == (5.0, 10.0, 3.0)


def test_points_may_be_repeated_and_a_stop_needs_none():
    options = read("--kill", "tool.before", "--kill", "tool.after", "--stop", "--stop", "tool.before")

    assert options.kill == ("tool.before", "tool.after") and options.stop == (RANDOM, "tool.before")


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (["--kill", "nowhere"], "no fault point 'nowhere'"),
        (["--stop", "nowhere"], "no fault point 'nowhere'"),
        (["--restart-db"], "needs --db postgres"),
        (["--runs", "0"], "--runs must be at least 1"),
        (["--workers", "0"], "--workers must be at least 1"),
        (["--kills", "-1"], "--kills must not be negative"),
        (["--term", "0"], "--term must be above 0"),
    ],
)
def test_what_makes_no_sense_is_refused(given, problem):
    with pytest.raises(CannotRunError, match=problem):
        read(*given)
