"""Fixtures for all tests: an offline model that answers from scripts, a tenant, and a worker in this thread."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings

from agentops.offline.model import OfflineModel
from runs import clock
from runs.engine import provider
from runs.engine.advance import advance
from runs.engine.outcomes import Outcome
from runs.models import SCOPES, Run, Tenant
from runs.operations.accounts import make_member, make_tenant, make_token
from runs.operations.post_run import RunRequest, post_run
from runs.queue.claim import claim_next, claim_quarantined
from runs.secrets import known
from runs.ttl_cache import TTLCache
from tests.testapp import agents

_SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
settings.register_profile("agentops", deadline=None, suppress_health_check=_SLOW)  # a busy machine is no counterexample
settings.load_profile("agentops")

QUEUES = ("realtime", "agents", "default", "batch")


@pytest.fixture(autouse=True)
def _secrets_of_this_test() -> Iterator[None]:
    """Tests set secrets in the environment, which is read once."""
    known.cache_clear()
    yield
    known.cache_clear()


@pytest.fixture(autouse=True)
def _edits_of_this_test() -> Iterator[None]:
    """What operators edit is kept for a second, longer than a test."""
    TTLCache.clear_all()
    yield
    TTLCache.clear_all()


@pytest.fixture(autouse=True)
def _tools_of_this_test() -> None:
    """What the tools of the tests have counted, and how they are to fail, belongs to one test."""
    for kept in (agents.CALLS, agents.KEYS, agents.FAIL, agents.HAPPENED, agents.MEANWHILE):
        kept.clear()


@pytest.fixture(autouse=True)
def _real_time() -> Iterator[None]:
    """Tests let the clock run ahead; the next one begins now."""
    yield
    clock.reset()


@pytest.fixture
def offline(settings: Any) -> Iterator[Callable[..., OfflineModel]]:
    """Start an offline model over scripts given as dictionaries; the engine talks to it. Its batches end at once."""
    started: list[OfflineModel] = []

    def start(*scripts: dict[str, Any], batch_s: float = 0.0, **options: Any) -> OfflineModel:
        named = [{"name": f"script {number}"} | script for number, script in enumerate(scripts)]
        model = OfflineModel(named, batch_s=batch_s, **options)
        model.start()
        started.append(model)
        settings.ANTHROPIC_BASE_URL = model.base_url
        settings.ANTHROPIC_API_KEY = "offline"
        return model

    yield start
    provider.close_client()
    for model in started:
        model.stop()


@pytest.fixture
def tenant(db: None) -> Tenant:
    """A tenant named acme."""
    return make_tenant("acme")


@pytest.fixture
def user(tenant: Tenant) -> Any:
    """The service account of the tenant."""
    return make_member(tenant, None)


@pytest.fixture
def token(tenant: Tenant) -> str:
    """A token of the tenant with every scope."""
    return make_token(tenant_slug=tenant.slug, scopes=SCOPES)


@pytest.fixture
def requester(tenant: Tenant) -> Any:
    """A person who asks for runs, and so does not approve what they propose."""
    return make_member(tenant, "asker")


@pytest.fixture
def post(tenant: Tenant, requester: Any) -> Callable[..., Run]:
    """Post a run; `text` is a short way to give the input."""

    def post(job_type: str, text: str = "hello", **request: Any) -> Run:
        request.setdefault("input", {"text": text})
        run, _ = post_run(RunRequest(job_type=job_type, **request), tenant=tenant, user=requester, origin="test")
        return run

    return post


@pytest.fixture
def work(db: None) -> Callable[[], list[Outcome]]:
    """Claim and advance runs in this thread until none is queued; return how each claim ended."""
    return lambda: _work(claim_next)


@pytest.fixture
def work_alone(db: None) -> Callable[[], list[Outcome]]:
    """As `work`, for quarantined runs."""
    return lambda: _work(claim_quarantined)


def _work(claim: Any) -> list[Outcome]:
    outcomes = []
    while claimed := claim(QUEUES, worker_id=uuid4(), worker_name="test"):
        outcomes.append(advance(*claimed))
    return outcomes
