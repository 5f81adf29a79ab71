"""What another app adds to runs, and what holds without one."""

import pytest
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured

from deadletters.models import DeadLetter
from runs import extensions
from runs.models import Run
from tests.testapp.agents import FAIL


@pytest.fixture
def failing(post, monkeypatch):
    monkeypatch.setitem(FAIL, "square-1", [ValueError("out of order")] * 9)
    return post("squares", input={"upto": 1})


@pytest.mark.django_db
def test_a_run_does_not_fail_without_its_dead_letter(failing, work, monkeypatch):
    def broken(failure):
        raise ZeroDivisionError

    monkeypatch.setattr(extensions, "_keepers", [(broken, lambda run_id, user: None)])

    with pytest.raises(ZeroDivisionError):
        work()

    assert Run.objects.get(pk=failing.pk).status != "failed"
    assert not DeadLetter.objects.exists()


@pytest.mark.django_db
def test_the_function_registered_last_keeps_the_failure(failing, work, monkeypatch):
    kept = []
    monkeypatch.setattr(extensions, "_keepers", [])
    extensions.keep_failures_with(lambda failure: pytest.fail("the first"), close_for_retry=lambda run_id, user: None)
    extensions.keep_failures_with(kept.append, close_for_retry=lambda run_id, user: None)

    work()

    (failure,) = kept
    assert (failure.run_id, failure.error_class, failure.step_name) == (failing.pk, "ValueError", "square-1")


def test_without_an_app_that_keeps_failures_nothing_is_lost_in_silence(monkeypatch):
    monkeypatch.setattr(extensions, "_keepers", [])

    with pytest.raises(ImproperlyConfigured, match="deadletters"):
        extensions.close_dead_letter_for_retry(None, None)


def test_an_app_that_becomes_ready_twice_adds_nothing_twice():
    before = [list(known) for known in (extensions.UPKEEP, extensions.INVARIANTS, extensions.API_URLS)]

    apps.get_app_config("deadletters").ready()

    assert before == [extensions.UPKEEP, extensions.INVARIANTS, extensions.API_URLS]
