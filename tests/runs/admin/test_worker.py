"""Workers in the console: one that died is told from one that stopped."""

from datetime import timedelta

import pytest
from django.utils import timezone

from runs.models import Worker
from tests.runs.admin.actions.pages import text_of
from tests.runs.admin.rows import make_worker

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("columns", "state"),
    [
        ({}, "alive"),
        ({"draining": True}, "draining"),
        ({"heartbeat_at": timezone.now() - timedelta(hours=1)}, "silent"),
        ({"stopped_at": timezone.now()}, "stopped"),
        ({"stopped_at": timezone.now(), "lost": True}, "lost"),
    ],
)
def test_a_worker_says_whether_it_lives_and_how_it_ended(root_client, columns, state):
    Worker.objects.filter(pk=make_worker().pk).update(**columns)

    assert f"</span>{state}</span>" in text_of(root_client, "/admin/runs/worker/")
