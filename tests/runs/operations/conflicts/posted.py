"""What became of a posted run."""

from uuid import uuid4

from runs.models import Run
from runs.queue.claim import claim_next


def claim():
    claimed = claim_next(["batch"], worker_id=uuid4(), worker_name="w")
    assert claimed
    return claimed


def status_of(posted):
    return Run.objects.get(pk=posted.run.pk).status


def conflict_of(posted):
    return posted.is_new, str(posted.conflict.applied), posted.conflict.run
