"""A refused page is one line of the log; a fault keeps its traceback."""

import io
import logging

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from runs.logs import RefusalsInOneLine


@pytest.fixture
def log():
    """What the project's own handler writes."""
    [handler] = [
        one for one in logging.getLogger().handlers if any(isinstance(f, RefusalsInOneLine) for f in one.filters)
    ]
    written = io.StringIO()
    before = handler.setStream(written)
    yield written
    handler.setStream(before)


@pytest.fixture
def staff(db):
    """Somebody who may sign in to the console, and see nothing there."""
    client = Client()
    client.force_login(get_user_model().objects.create_user("staff", is_staff=True))
    return client


@pytest.mark.parametrize(
    ("path", "host", "status"),
    [("/admin/runs/run/", "localhost", 403), ("/admin/nowhere/", "localhost", 404), ("/admin/", "evil.example", 400)],
)
def test_a_refused_page_is_logged_without_a_traceback(path, host, status, staff, log):
    answer = staff.get(path, headers={"host": host})

    lines = log.getvalue().splitlines()
    assert answer.status_code == status
    assert len(lines) == 1, log.getvalue()


def test_a_fault_keeps_its_traceback(log):
    try:
        raise ZeroDivisionError
    except ZeroDivisionError:
        logging.getLogger("django.request").error("Internal Server Error", extra={"status_code": 500}, exc_info=True)
        logging.getLogger("runs").error("something failed", exc_info=True)

    assert log.getvalue().count("Traceback") == 2
