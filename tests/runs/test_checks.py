"""Settings that cannot work are refused at start-up."""

import pytest
from django.contrib import admin
from django.urls import include, path
from django_rq.admin import QueueAdmin
from django_rq.models import Dashboard

from runs.checks import check_addresses, check_settings


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
