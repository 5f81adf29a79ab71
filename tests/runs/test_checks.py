"""Settings that cannot work are refused at start-up."""

import pytest

from runs.checks import check_settings


@pytest.mark.parametrize(
    "wrong", [{"batch_max_calls": 0}, {"batch_max_calls": 100_001}, {"batch_max_bytes": 0}, {"batch_max_bytes": 10**9}]
)
def test_batches_that_would_never_be_sent_or_taken_are_refused(settings, wrong):
    settings.AGENTOPS = wrong

    (error,) = check_settings()

    assert error.id == "runs.E005" and next(iter(wrong)) in error.msg
