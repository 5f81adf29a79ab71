"""Runs for documents, of which one may be active at a time; after each test all invariants hold."""

import pytest

from runs.invariants.every import breaches
from runs.operations.post_run import Intake, RunRequest, post
from tests.testapp.agents import CALLS, FAIL, MEANWHILE


@pytest.fixture(autouse=True)
def _sound():
    for memory in (CALLS, FAIL, MEANWHILE):
        memory.clear()
    yield
    assert [str(breach) for breach in breaches(look_again_after_s=0)] == []


@pytest.fixture
def scan(tenant, user):
    """Post a run for one document, `a` unless told otherwise."""

    def scan(policy=None, job_type="scan", *, key=None, by=user, **run_input):
        request = RunRequest(job_type, {"document": "a"} | run_input, on_conflict=policy)
        return post(request, Intake(tenant=tenant, user=by, origin="test", idempotency_key=key))

    return scan
