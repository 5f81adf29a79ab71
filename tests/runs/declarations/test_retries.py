"""Policies: the pauses are those that the documents promise, and nobody is tried for ever."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs.declarations.job_types import Agent
from runs.errors import DeclarationError
from runs.registry import Delays, Linear, Narrow, Polynomial
from runs.states import ErrorKind

POLICIES = [Delays(), Polynomial(), Linear(), Narrow(), Delays(timeouts=2), Linear(tries=9)]


@pytest.mark.parametrize(
    ("policy", "pauses_s"),
    [
        (Delays(), [10, 30, 120, 600, None]),
        (Delays(delays_s=(1, 2)), [1, 2, None]),
        (Polynomial(), [3, 18, 83, 258, None]),
        (Linear(), [30, 60, 90, 120, None]),
        (Linear(step_s=5, tries=3), [5, 10, None]),
    ],
    ids=str,
)
def test_the_pauses_of_a_policy(policy, pauses_s):
    assert [policy.pause_s(failed) for failed in range(1, len(pauses_s) + 1)] == pauses_s


def allowed(policy, error_kind):
    """After which failed tries another one is made."""
    return [
        failed for failed in range(1, 12) if policy.delay_s(ErrorKind(error_kind), {error_kind: failed}) is not None
    ]


@pytest.mark.parametrize("error_kind", ErrorKind)
@pytest.mark.parametrize(
    ("policy", "tries"),
    [(Delays(), 5), (Polynomial(), 5), (Linear(tries=9), 9), (Delays(delays_s=(1,) * 8), 9)],
    ids=str,
)
def test_the_pauses_are_what_happens_whatever_the_trouble(policy, tries, error_kind):
    assert allowed(policy, error_kind) == list(range(1, tries))


@pytest.mark.parametrize(("error_kind", "tries"), [("timeout", 3), ("rate_limit", 5), ("service", 3)])
def test_the_narrow_policy_tries_each_kind_of_trouble_as_often_as_it_says(error_kind, tries):
    assert allowed(Narrow(), error_kind) == list(range(1, tries))


@given(st.sampled_from(POLICIES), st.sampled_from(list(ErrorKind)), st.integers(1, 2), st.floats(0, 4000))
def test_a_pause_is_never_shorter_than_asked_nor_much_longer_than_its_jitter(policy, error_kind, failed, asked_s):
    delay_s = policy.delay_s(error_kind, {error_kind: failed}, at_least_s=asked_s)

    if delay_s is None:
        assert failed >= policy.most(error_kind)
        return
    pause_s = max(policy.pause_s(failed), asked_s)
    assert pause_s <= delay_s <= pause_s * (1 + policy.jitter)


@given(st.sampled_from(POLICIES), st.lists(st.sampled_from(list(ErrorKind)), min_size=12, max_size=12))
def test_whatever_troubles_come_in_turn_a_step_is_given_up(policy, error_kinds):
    failed, tries = {}, 0
    for error_kind in error_kinds:
        tries += 1
        failed[error_kind] = failed.get(error_kind, 0) + 1
        if policy.delay_s(error_kind, failed) is None:
            break

    assert tries <= policy.most_tries


@pytest.mark.parametrize(
    ("attributes", "named"),
    [
        ({"errors": {"KeyError": "transient"}}, "no exception class"),
        ({"errors": {KeyError: "sometimes"}}, "'sometimes'"),
        ({"retry": Linear(), "retry_delays_s": (1,)}, "retry and retry_delays_s"),
    ],
)
def test_a_wrong_declaration_is_refused_with_a_hint(attributes, named):
    declared = type("Wrong", (Agent,), {"name": "wrong", "model": "claude-sonnet-5-5", **attributes})

    with pytest.raises(DeclarationError, match=named) as caught:
        declared().check()

    assert caught.value.hint
