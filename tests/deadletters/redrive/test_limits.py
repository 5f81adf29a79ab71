"""The rate, as arithmetic: whatever the moments at which sweepers look."""

from datetime import timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from deadletters.redrive.limits import ReplayAllowance, burst
from tests.deadletters.redrive.letters import BEGIN, after

RATES = st.floats(min_value=0.01, max_value=50)
GAPS = st.lists(st.floats(min_value=0, max_value=60), min_size=1, max_size=60)
BRIEF_GAPS = st.lists(st.floats(min_value=0.001, max_value=3.9), min_size=1, max_size=120)


def send_all(allowance, now, rate_per_s):
    """Send while it is allowed; return what is left, and how many were sent."""
    sent = 0
    allowance = allowance.grown(now, rate_per_s=rate_per_s)
    while allowance.is_enough:
        allowance, sent = allowance.spent(), sent + 1
    return allowance, sent


def sent_at_each_look(gaps_s, rate_per_s):
    """Shape: one (seconds since the begin, letters sent) for each look."""
    allowance, at_s, looks = ReplayAllowance(0, None), 0.0, []
    for gap_s in gaps_s:
        at_s += gap_s
        allowance, sent = send_all(allowance, after(at_s), rate_per_s)
        looks.append((at_s, sent))
    return looks


@given(gaps=GAPS, rate=RATES)
def test_no_span_of_time_sees_more_than_its_rate_and_one_burst(gaps, rate):
    looks = sent_at_each_look(gaps, rate)

    for index, (begin_s, _) in enumerate(looks):
        within = 0
        for end_s, sent in looks[index:]:
            within += sent
            assert within <= rate * (end_s - begin_s) + burst(rate) + 1e-3


@given(gaps=BRIEF_GAPS, rate=RATES)
@example(gaps=[2.1] * 100, rate=0.75)
def test_looked_at_often_enough_it_falls_behind_by_less_than_a_letter(gaps, rate):
    looks = sent_at_each_look(gaps, rate)

    due = rate * (looks[-1][0] - looks[0][0])
    assert sum(sent for _, sent in looks) > due - 1e-3


@given(pause_s=st.floats(min_value=0, max_value=1e6), rate=RATES)
@example(pause_s=3600, rate=5)
def test_a_pause_is_not_credited(pause_s, rate):
    _, sent = send_all(ReplayAllowance(0, None), after(pause_s), rate)

    assert sent == 1


@given(rate=RATES, back_s=st.floats(min_value=0, max_value=3600))
def test_a_moment_that_lies_before_takes_nothing_and_gives_nothing(rate, back_s):
    allowance = ReplayAllowance(0.5, BEGIN)

    assert allowance.grown(BEGIN - timedelta(seconds=back_s), rate_per_s=rate) == allowance


def test_a_slow_rate_saves_up_to_a_whole_letter():
    looks = sent_at_each_look([2.0] * 51, 0.05)

    assert [at for at, sent in looks if sent] == [2, 22, 42, 62, 82, 102]
