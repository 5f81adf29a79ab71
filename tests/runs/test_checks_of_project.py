"""A project that lacks something is told at start-up what to write."""

import pytest
from django.db import connection

from agentops.defaults import CLOCK, database, queues
from runs import extensions
from runs.checks_of_project import check_database, check_project

OWN = {"URL": "redis://127.0.0.1:1/0"}


def ids():
    return [message.id for message in check_project()]


def test_the_project_of_the_tests_lacks_nothing():
    assert check_project() == check_database(databases=["default"]) == []


def test_times_without_zones_are_refused(settings):
    settings.USE_TZ = False

    (error,) = check_project()

    assert error.id == "runs.E010" and "USE_TZ = True" in error.hint


def test_missing_queues_are_asked_for(settings):
    del settings.RQ_QUEUES

    (error,) = check_project()

    assert error.id == "runs.E013" and "agentops.defaults.queues" in error.hint


def test_a_queue_of_the_project_is_not_emptied_for_runs(settings):
    settings.RQ_QUEUES = queues("redis://127.0.0.1:1/0") | {"agents": OWN}

    (error,) = check_project()

    assert error.id == "runs.E013" and "'agents'" in error.msg


def test_queues_of_the_project_beside_ours_are_fine(settings):
    settings.RQ_QUEUES = queues("redis://127.0.0.1:1/0") | {"mailing": OWN}

    assert ids() == []


@pytest.mark.parametrize(("cluster", "found"), [({}, ["runs.E014"]), ({"redis": "redis://there"}, []), (CLOCK, [])])
def test_a_clock_without_a_broker_is_refused(settings, cluster, found):
    settings.Q_CLUSTER = cluster

    assert ids() == found


@pytest.mark.parametrize("other", ["django_q", "django_rq"])
def test_apps_whose_commands_would_hide_ours_are_to_come_later(settings, other):
    settings.INSTALLED_APPS = [other, *(app for app in settings.INSTALLED_APPS if app != other)]

    assert ids() == ["runs.E012"]


def test_the_clock_needs_its_tables(settings):
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != "django_q"]

    assert ids() == ["runs.E011"]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="of SQLite")
@pytest.mark.parametrize("options", [{}, {"transaction_mode": "DEFERRED"}])
def test_deferred_transactions_of_sqlite_are_refused(monkeypatch, options):
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", options)

    (error,) = check_database(databases=["default"])

    assert error.id == "runs.E017" and "agentops.defaults.database" in error.hint


@pytest.mark.parametrize("engine", ["sqlite3", "postgresql"])
def test_a_database_keeps_what_the_project_says_of_it(engine):
    given = {
        "ENGINE": f"django.db.backends.{engine}",
        "NAME": "shop",
        "ATOMIC_REQUESTS": True,
        "OPTIONS": {"timeout": 3},
    }

    made = database(given)

    assert made["ENGINE"].startswith("agentops.") and made["OPTIONS"]["timeout"] == 3
    assert (made["NAME"], made["ATOMIC_REQUESTS"]) == ("shop", True)
    assert given["OPTIONS"] == {"timeout": 3}


def test_a_database_of_another_kind_is_left_alone():
    assert database({"ENGINE": "django.db.backends.mysql"}) == {"ENGINE": "django.db.backends.mysql"}


def test_without_an_app_that_keeps_failures_start_up_says_what_to_install(monkeypatch):
    monkeypatch.setattr(extensions, "_keepers", [])

    (error,) = check_project()

    assert error.id == "runs.E019" and '"deadletters"' in error.hint
