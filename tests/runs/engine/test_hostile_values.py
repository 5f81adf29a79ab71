"""What a model asks for and what a tool returns may be anything: it is stored, told or refused, and the run goes on."""

import contextlib
import dataclasses
import math
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runs.declarations.catalog import job_type_named
from runs.errors import InvalidInputError
from runs.invariants.every import breaches
from runs.models import Artifact
from tests.runs.engine.story import say, use
from tests.testapp.agents import CALLS

pytestmark = pytest.mark.django_db

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@pytest.fixture(autouse=True)
def _fresh(settings):
    settings.AGENTOPS = {**settings.AGENTOPS, "lease_s": 120.0}  # nobody beats here, and much takes its time


@pytest.mark.fault(24)
@settings(deadline=None)
@given(arguments=ANY_JSON | st.fixed_dictionaries({"value": ANY_JSON}))
def test_any_arguments_fit_the_schema_or_are_refused(arguments):
    put = job_type_named("clerk").tools_by_name["put"]

    with contextlib.suppress(InvalidInputError):
        fitting = put.validate(arguments)
        assert list(fitting) == ["value"] and type(fitting["value"]) is int


@pytest.mark.fault(24)
@pytest.mark.parametrize(
    "arguments",
    [{"value": "x" * 200_000}, {"value": [[[]]] * 1000}, {"value": "\x00"}, {}, {"value": 1, "more": {}}],
    ids=["huge", "nested", "NUL", "none", "undeclared"],
)
def test_arguments_that_do_not_fit_are_told_to_the_model_and_the_run_goes_on(offline, post, work, arguments):
    model = offline({"turns": [use(("put", arguments)), say("Sorry.")]})
    run = post("clerk", max_cost_usd=Decimal(9))

    work()

    run.refresh_from_db()
    told = model.requests[-1]["body"]["messages"][-1]["content"][0]
    assert run.status == "completed" and CALLS["put"] == 0
    assert told["is_error"] and len(told["content"]) < 20_000
    assert list(breaches(look_again_after_s=0)) == []


RESULTS = {
    "NUL": "a\x00b",
    "lone surrogate": "a\ud800b",
    "bytes": b"\xff\x00",
    "no number": math.nan,
    "an object": object(),
    "keys": {"\x00": {1: "\udfff"}},
    "50 MB": "x" * 50_000_000,
}


@pytest.mark.fault(55)
@pytest.mark.parametrize("result", RESULTS)
def test_a_result_that_no_row_could_hold_is_made_fit_and_its_effect_is_not_repeated(
    offline, post, work, monkeypatch, result
):
    def happen(context, to):
        CALLS["send"] += 1
        return RESULTS[result]

    tools = job_type_named("clerk").tools_by_name
    monkeypatch.setitem(tools, "send", dataclasses.replace(tools["send"], function=happen))
    offline({"turns": [use(("send", {"to": "bob"})), say("Done.")]})
    run = post("clerk")

    work()

    run.refresh_from_db()
    step = run.steps.get(name="send")
    assert (run.status, step.status, CALLS["send"]) == ("completed", "completed", 1)
    assert len(step.result["text"]) < 101_000 and "\x00" not in step.result["text"]
    if result == "50 MB":
        assert Artifact.objects.get(pk=step.result["artifact"]).size == 50_000_000
    assert list(breaches(look_again_after_s=0)) == []
