"""Only the holder of a run writes the progress that its tool reports."""

from uuid import uuid4

import pytest

from runs import clock
from runs.declarations.catalog import job_type_named
from runs.engine.context import context_for
from runs.maintenance.rescue_runs import rescue_runs
from runs.models import Run
from runs.queue.claim import claim_next

pytestmark = pytest.mark.django_db(transaction=True)  # within one of its own, no progress is written


def test_a_zombie_tells_no_progress_of_the_run_that_somebody_else_holds(post):
    post("clerk")
    run, lease = claim_next(["agents"], worker_id=uuid4(), worker_name="zombie")
    tool = job_type_named("clerk").tools_by_name["look_up"]
    zombie = context_for(run, lease, tool, tool_use_id="", effect_key=None, attempt=1)
    clock.advance(20)
    rescue_runs()
    holder = context_for(
        *claim_next(["agents"], worker_id=uuid4(), worker_name="other"), tool,
        tool_use_id="", effect_key=None, attempt=2,
    )  # fmt: skip
    lease.valid_until = float("inf")  # it has not noticed

    zombie.progress(50, "still here")

    run = Run.objects.get()
    assert (run.fence, run.progress_percent, run.progress_message) == (2, 0, "")
    holder.progress(60, "here now")
    assert Run.objects.get().progress_message == "here now"
