"""Settings that cannot work are refused at start-up."""

import pytest
from django.contrib import admin
from django.urls import include, path
from django_rq.admin import QueueAdmin
from django_rq.models import Dashboard

from runs.checks import check_addresses, check_prices, check_queues, check_settings


@pytest.mark.parametrize(
    "wrong", [{"batch_max_calls": 0}, {"batch_max_calls": 100_001}, {"batch_max_bytes": 0}, {"batch_max_bytes": 10**9}]
)
def test_batches_that_would_never_be_sent_or_taken_are_refused(settings, wrong):
    settings.AGENTOPS = wrong

    (error,) = check_settings()

    assert error.id == "runs.E005" and next(iter(wrong)) in error.msg


@pytest.fixture
def addresses(settings, request):
    """A project whose addresses these are."""
    settings.ROOT_URLCONF = type("Addresses", (), {"urlpatterns": request.param})


def _site():
    site = admin.AdminSite(name="theirs")
    site.register(Dashboard, QueueAdmin)
    return site


@pytest.mark.parametrize(
    "addresses",
    [[path("deep/", include([path("rq/", include("django_rq.urls"))]))], [path("admin/", _site().urls)]],
    ids=["included", "in an admin site of their own"],
    indirect=True,
)
def test_mounted_pages_of_django_rq_are_refused(addresses):
    (error,) = check_addresses()

    assert error.id == "runs.E006" and "django_rq." in error.msg


def test_our_own_addresses_lead_to_no_page_of_django_rq():
    assert check_addresses() == []


@pytest.fixture
def declared(monkeypatch):
    """Declare an agent and nothing else."""
    from runs.declarations import catalog
    from runs.registry import Agent, register

    def declared(**attributes):
        monkeypatch.setattr(catalog, "_catalog", {})
        register(type("Mine", (Agent,), {"name": "mine", "model": "claude-sonnet-5-5"} | attributes))

    return declared


@pytest.mark.parametrize(
    ("model", "hint"), [("claude-sonet-4-5", "Did you mean claude-sonnet-4"), ("gpt-house-1", "under Prices")]
)
def test_a_model_without_a_price_is_told_at_start_up(declared, model, hint):
    declared(model=model)

    (warning,) = check_prices()

    assert warning.id == "runs.W001" and repr(model) in warning.msg and hint in warning.hint


def test_a_model_with_a_price_is_not(declared):
    declared()

    assert check_prices() == []


@pytest.mark.parametrize(("queue", "hint"), [("agent", "Did you mean agents?"), ("", "Choose one of")])
def test_a_queue_that_does_not_exist_is_told_with_the_nearest(declared, queue, hint):
    declared(queue=queue)

    (error,) = check_queues()

    assert error.id == "runs.E002" and hint in error.hint
