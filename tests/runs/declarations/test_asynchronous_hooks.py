"""What cannot be asynchronous is refused at start-up, by the name of the attribute and with what to write instead."""

import asyncio
import functools

import pytest

from runs.declarations.retry_policies import RetryPolicy
from runs.errors import DeclarationError
from runs.registry import Agent, Job, tool


async def _awaited(*args):
    return "x"


def _generated(*args):
    yield "x"


async def _both(*args):
    yield "x"


class _Callable:
    async def __call__(self, *args):
        return "x"


NEVER = {"async": _awaited, "generator": _generated, "async generator": _both, "partial": functools.partial(_awaited)}


@pytest.mark.parametrize("kind", NEVER)
@pytest.mark.parametrize("name", ["prompt", "end_user", "validate_input", "unique_key"])
def test_a_hook_of_an_agent_must_answer_at_once(name, kind):
    declared = type("Made", (Agent,), {"name": "made", "model": "claude-sonnet-5-5", name: NEVER[kind]})

    with pytest.raises(DeclarationError, match=rf"Made\.{name} is a") as refused:
        declared().check()

    assert f"def {name}(" in refused.value.hint


@pytest.mark.parametrize("unique_by", [staticmethod(_awaited), staticmethod(_generated), _Callable()])
def test_unique_by_must_answer_at_once(unique_by):
    declared = type("Made", (Job,), {"name": "made", "run": lambda self, context: None, "unique_by": unique_by})

    with pytest.raises(DeclarationError, match="unique_by is a"):
        declared().check()


def test_a_retry_policy_must_answer_at_once():
    class Slow(RetryPolicy):
        async def pause_s(self, failed):
            return 1.0

    declared = type("Made", (Agent,), {"name": "made", "model": "claude-sonnet-5-5", "retry": Slow()})

    with pytest.raises(DeclarationError, match=r"Slow\.pause_s is asynchronous"):
        declared().check()


@pytest.mark.parametrize("option", ["approval", "risk", "verify"])
@pytest.mark.parametrize("function", [_generated, _both])
def test_a_generator_that_would_always_be_true_is_refused(option, function):
    effect = "verifiable" if option == "verify" else "unsafe"

    with pytest.raises(DeclarationError, match=f"`{option}` is a generator"):
        tool(name="act", description="Act.", function=lambda context: None, effect=effect, **{option: function})


def test_what_may_be_asynchronous_is_taken():
    made = tool(
        name="act", description="Act.", function=_awaited, input_schema={"type": "object"}, effect="verifiable",
        approval=_awaited, risk=_awaited, verify=_awaited,
    )  # fmt: skip
    type("Made", (Agent,), {"name": "made", "model": "claude-sonnet-5-5", "tools": [made]})().check()

    class Plain(Job):
        name = "plain"

        async def run(self, context):
            return None

    Plain().check()


def test_a_risk_that_never_tells_is_the_worst(monkeypatch):
    monkeypatch.setattr("runs.declarations.tools.RISK_S", 0)

    async def risk(arguments):
        await asyncio.Event().wait()

    declared = tool(name="pay", description="Pay.", function=lambda context: None, effect="unsafe", risk=risk)

    assert declared.risk_of({}) == "high"
