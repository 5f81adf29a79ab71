"""Weights of queues: each has its share of a worker's claims, and an empty one saves nothing up."""

from collections import Counter
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from runs.models import Run
from runs.queue.queue_weights import Shares, claims_by, read_weights
from runs.states import RunStatus
from tests.runs.queue.backlog import fill

pytestmark = pytest.mark.django_db


def claimed_by(claim, times):
    claims = [claim(["ignored"], worker_id=uuid4(), worker_name="w") for _ in range(times)]
    return Counter(claimed[0].queue for claimed in claims if claimed)


def test_weights_divide_six_hundred_claims_within_a_tenth():
    for queue in ("realtime", "default", "batch"):
        fill("acme", 400, queue=queue)

    counts = claimed_by(Shares({"realtime": 3, "default": 2, "batch": 1}).claim, 600)

    assert counts == {"realtime": pytest.approx(300, rel=0.1), "default": pytest.approx(200, rel=0.1), "batch": 100}


def test_weights_leave_what_one_queue_does_not_use_to_the_others():
    fill("acme", 40, queue="batch")

    assert claimed_by(Shares({"realtime": 9, "batch": 1}).claim, 40) == {"batch": 40}


def test_weights_of_a_queue_that_was_empty_save_up_no_burst():
    fill("acme", 200, queue="batch")
    shares = Shares({"realtime": 1, "batch": 1})
    claimed_by(shares.claim, 100)
    fill("acme", 200, queue="realtime")

    counts = claimed_by(shares.claim, 20)

    assert counts == {"realtime": pytest.approx(10, abs=1), "batch": pytest.approx(10, abs=1)}


def test_weights_do_not_starve_a_queue_whose_claim_was_missed():
    shares = Shares({"realtime": 3, "batch": 1})
    assert claimed_by(shares.claim, 10) == {}
    fill("acme", 8, queue="batch")

    assert claimed_by(shares.claim, 8) == {"batch": 8}


def test_without_weights_the_first_queue_comes_first():
    for queue in ("realtime", "batch"):
        fill("acme", 5, queue=queue)

    claim = claims_by(read_weights(["realtime", "batch"]))

    served = [claim(["realtime", "batch"], worker_id=uuid4(), worker_name="w")[0].queue for _ in range(10)]
    assert served == ["realtime"] * 5 + ["batch"] * 5


def test_weights_are_read_from_the_command_line():
    assert read_weights(["agents=3", "default"]) == {"agents": 3, "default": 1}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["agents=0"], "agents=0"),
        (["agents=many"], "whole number"),
        (["agents="], "whole number"),
        (["agents=-1"], "whole number"),
        (["agents=1001"], "1000"),
        (["agents=2", "agents"], "twice"),
        (["nowhere=2"], "no queue 'nowhere'"),
    ],
)
def test_weights_that_are_none_are_refused(words, said):
    with pytest.raises(CommandError, match=said):
        call_command("rqworker", *words)

    assert not Run.objects.filter(status=RunStatus.RUNNING).exists()
