"""Fixtures of rate limits: a full bucket, a bounded wait, and a clock that stands still."""

from types import SimpleNamespace

import pytest

from runs import clock
from runs.engine.rate_limits import permits, waiting
from runs.engine.rate_limits.active import forget_rate_limits, limits_for
from runs.maintenance import release_rate_limited as maintenance
from runs.models import RateLimit
from tests.runs.engine.rate_limits.limited import MODEL


@pytest.fixture
def rate_limit():
    """Make a rate limit whose bucket is full: a minute has passed since it was made."""

    def make(model_class="claude-sonnet-5", **limits):
        row = RateLimit.objects.create(model_class=model_class, ramp_s=0, **limits)
        forget_rate_limits()
        limits_for(MODEL)
        clock.advance(60)
        return row

    return make


@pytest.fixture
def max_wait(monkeypatch):
    """Let slots wait at most this long, while the clocks run ahead; returns the seconds that they have waited."""

    def max_wait(most_s, meanwhile=lambda: None):
        waited = []

        def sleep(seconds):
            waited.append(seconds)
            clock.advance(seconds)
            meanwhile()

        for module in (permits, maintenance):
            monkeypatch.setattr(module, "MAX_WAIT_S", most_s)
        monkeypatch.setattr(waiting, "time", SimpleNamespace(sleep=sleep))
        return waited

    return max_wait


@pytest.fixture
def still(monkeypatch):
    """Let only `clock.advance` move the clock of the buckets, however busy the machine is."""
    base = clock.now()
    monkeypatch.setattr(clock, "now", lambda: base + clock._ahead)
