"""A claim is settled once: a second word about it, of whatever kind, writes nothing."""

from uuid import uuid4

import pytest

from deadletters.models import DeadLetter
from runs.engine.finish_claim import finish_claim
from runs.engine.journal import Journal
from runs.engine.outcomes import Cancelled, Completed, Failed, HeldBack, Later, Released, Retry, Waiting
from runs.models import Run
from runs.queue.claim import claim_next

pytestmark = pytest.mark.django_db

LATE = {
    "completed": Completed("late"),
    "failed": Failed(ValueError("late")),
    "cancelled": Cancelled(),
    "waiting": Waiting(),
    "retry": Retry(ValueError("late"), 1.0, {}),
    "later": Later("late", 1.0),
    "held back": HeldBack(None),
    "released": Released(),
}


@pytest.mark.parametrize("late", LATE)
@pytest.mark.parametrize("first", ["completed", "failed"])
def test_what_is_settled_is_not_settled_again(post, first, late):
    post("clerk")
    run, lease = claim_next(["agents"], worker_id=uuid4(), worker_name="w")
    one, other = Journal(run, lease), Journal(Run.objects.get(), lease)

    finish_claim(one, Completed("first") if first == "completed" else Failed(ValueError("first")))
    before = Run.objects.values().get()
    finish_claim(other, LATE[late])

    assert Run.objects.values().get() == before
    assert list(run.events.order_by("seq").values_list("kind", flat=True))[-1] == f"run.{first}"
    assert DeadLetter.objects.count() == (first == "failed")
