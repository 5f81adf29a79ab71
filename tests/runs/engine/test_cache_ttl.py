"""The lifetime of the prompt cache: at every breakpoint, from the first step on, the same over a run's life."""

from decimal import Decimal

import pytest

from agentops.offline.model import OfflineModel
from runs import clock
from runs.declarations.catalog import job_type_named
from runs.engine import provider
from runs.engine.prices import tariff_of
from runs.engine.tariff import used
from runs.models import Definition, ModelCall, PendingAction
from runs.models.definition import definition_for
from runs.models.fields import hash_of
from runs.operations.actions.approve import approve
from tests.runs.engine.story import say, use

pytestmark = pytest.mark.django_db

REFUND = use(("refund", {"order_id": "7", "amount_usd": 3.5}))
LONG = "Please refund order 7. " * 200  # beyond the shortest prefix that the model caches


@pytest.fixture
def late(settings):
    """An offline model whose clock runs ahead as the test says."""
    now = [1_800_000_000.0]
    model = OfflineModel([{"name": "refund", "turns": [REFUND, say("Refunded.")]}], clock=lambda: now[0])
    model.start()
    settings.ANTHROPIC_BASE_URL, settings.ANTHROPIC_API_KEY = model.base_url, "offline"
    yield now
    provider.close_client()
    model.stop()


def paid(call, usage):
    return tariff_of(call.model, at=clock.now()).charge(used(usage)).cost_usd


def ttls(request):
    """List the lifetimes of all breakpoints of a request."""
    body = request["body"]
    marked = [body, *body["system"], *(block for message in body["messages"] for block in message["content"])]
    return [block["cache_control"]["ttl"] for block in marked if "cache_control" in block]


def set_on(monkeypatch, name, **attributes):
    """Deploy the agent with other attributes."""
    for attribute, value in attributes.items():
        monkeypatch.setattr(type(job_type_named(name)), attribute, value)


@pytest.mark.parametrize(("job_type", "ttl"), [("clerk", "1h"), ("hasty", "5m")])
def test_every_breakpoint_of_every_request_has_the_lifetime_of_the_agent(offline, post, work, job_type, ttl):
    model = offline({"turns": [use(("look_up", {"key": "a"})), say("Done.")]})
    run = post(job_type)

    work()

    run.refresh_from_db()
    assert run.status == "completed" and run.definition.cache_ttl == ttl
    assert [ttls(request) for request in model.requests] == [[ttl, ttl]] * 2


def test_a_deploy_that_changes_the_tools_leaves_the_lifetime_of_a_begun_run(offline, post, work, user, monkeypatch):
    model = offline({"turns": [REFUND, say("Refunded.")]})
    run = post("clerk")
    work()

    set_on(monkeypatch, "clerk", cache_ttl="5m")
    approve(PendingAction.objects.get(run=run), user=user)
    work()

    run.refresh_from_db()
    assert run.status == "completed"
    assert [ttls(request) for request in model.requests] == [["1h", "1h"]] * 2


def test_a_run_that_continues_another_keeps_its_lifetime(offline, post, work, monkeypatch):
    model = offline({"turns": [say("One."), say("Two.")]})
    former = post("clerk", "first")
    work()

    set_on(monkeypatch, "clerk", cache_ttl="5m")
    post("clerk", "second", continues=former.pk)
    post("clerk", "third")
    work()

    by_prompt = {request["body"]["messages"][-1]["content"][-1]["text"]: ttls(request) for request in model.requests}
    assert by_prompt == {"first": ["1h", "1h"], "second": ["1h", "1h"], "third": ["5m", "5m"]}


def test_after_a_pause_of_most_of_an_hour_what_was_sent_is_read_and_not_paid_again(late, post, work, user):
    run = post("clerk", LONG)
    work()
    first = ModelCall.objects.get(run=run)

    late[0] += 59 * 60
    approve(PendingAction.objects.get(run=run), user=user)
    work()

    second = ModelCall.objects.filter(run=run).latest("started_at")
    assert first.cache_write_tokens > 1_000 and first.cache_read_tokens == 0
    assert second.cache_read_tokens == first.cache_write_tokens


def test_an_hour_is_reserved_and_paid_at_its_own_price(late, post, work):
    run = post("clerk", LONG)

    work()

    call = ModelCall.objects.get(run=run)
    written = {"cache_creation_input_tokens": call.cache_write_tokens}
    rest = {"input_tokens": call.input_tokens, "output_tokens": call.output_tokens}
    of_an_hour = {"cache_creation": {"ephemeral_1h_input_tokens": call.cache_write_tokens}}
    assert call.cost_usd == paid(call, rest | written | of_an_hour) > paid(call, rest | written)
    assert call.reserved_usd >= call.cost_usd


def test_the_reserve_is_the_price_of_writing_for_an_hour():
    tariff = tariff_of("claude-sonnet-5-5", at=clock.now())
    bodies = (f'{{"text":"{"x" * 300_000}","cache_control":{{"ttl":"{ttl}"}}}}' for ttl in ("5m", "1h"))
    short, long = (tariff.reserve_usd(body, max_tokens=1) for body in bodies)

    assert long / short == pytest.approx(Decimal("1.6"), rel=Decimal("0.01"))  # twice, not 1.25 times, the input


def test_what_was_stored_before_there_was_a_choice_is_found_again_as_five_minutes():
    content = {"job_type": "a", "model": "m", "system": "s", "tools": [], "max_tokens": 9}
    old = Definition.objects.create(hash=hash_of(["a", "m", "s", [], 9]), **content)

    short, long = definition_for(**content, cache_ttl="5m"), definition_for(**content, cache_ttl="1h")

    assert short == old and old.cache_ttl == "5m"
    assert long != old and long.cache_ttl == "1h"
