"""The settings as they stand: what is logged by them holds no secret."""

import io
import logging

import pytest

from runs.secrets import known

CANARY = "canary-9f8e7d6c5b4a"


@pytest.fixture
def logged(monkeypatch):
    """What the one handler of the real configuration writes."""
    monkeypatch.setenv("AGENTOPS_SECRET_BANK", CANARY)
    known.cache_clear()
    (ours,) = [handler for handler in logging.getLogger().handlers if type(handler) is logging.StreamHandler]
    text = io.StringIO()
    former = ours.setStream(text)
    yield text.getvalue
    ours.setStream(former)


@pytest.mark.parametrize("name", ["runs.engine", "deadletters.capture", "agentops.demo", "django.request", "rq.worker"])
def test_a_secret_in_message_or_traceback_does_not_reach_the_log(logged, caplog, name):
    logger = logging.getLogger(name)
    caplog.set_level(logging.ERROR, logger=name)  # RQ's own is quiet
    try:
        raise ValueError(f"refused: token {CANARY} is bad")
    except ValueError:
        logger.exception("asked with %s and %s", CANARY, "sk-ant-abcdefgh12345678")

    assert "asked with [redacted] and [redacted]" in logged()
    assert "ValueError: refused: token [redacted] is bad" in logged()
    assert CANARY not in logged() and "sk-ant" not in logged()


def test_no_other_handler_writes_what_django_logs():
    assert logging.getLogger("django").handlers == []
    assert logging.getLogger("django").propagate
