"""Options that do not exist, or values that they do not take, are told at start-up with what to write instead."""

from collections.abc import Callable
from functools import cached_property
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel

from runs import checks
from runs.declarations import catalog
from runs.errors import DeclarationError
from runs.registry import Agent, Job, Linear, register, tool


@pytest.fixture
def told(monkeypatch) -> Callable[..., Any]:
    """Register a declaration, and return what the system check says about it; None if nothing."""
    monkeypatch.setattr(catalog, "_refused", [])
    monkeypatch.setattr(catalog, "_catalog", {})

    def told(declaration: Any) -> Any:
        register(declaration)
        errors = checks.check_declarations()
        return errors[0] if errors else None

    return told


def agent(**attributes: Any) -> Any:
    return type("Mine", (Agent,), {"name": "mine", "model": "claude-sonnet-5-5"} | attributes)


def job(**attributes: Any) -> Any:
    return type("Mine", (Job,), {"name": "mine", "run": lambda self, context: None} | attributes)


@tool(effect="read")
def look(context: Any) -> str:
    """Look."""
    return ""


class Model(BaseModel):
    """A schema."""


def test_good_values_are_taken(told):
    assert (
        told(agent(tools=(look,), max_cost_usd=1, timeout_s=5, retry=Linear(), output_schema=Model, lane="batch"))
        is None
    )
    assert told(job(queue="batch", retry_delays_s=[0, 1.5], unique_by=lambda input: "x", fresh_for_s=60)) is None


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("max_cost", "max_cost_usd"),
        ("timeouts_s", "timeout_s"),
        ("timeout", "timeout_s"),
        ("retry_delay", "retry_delays_s"),
        ("que", "queue"),
        ("max_step", "max_steps"),
        ("tool", "tools"),
        ("system_prompt", "system"),
        ("max_retries", "retry"),
        ("output_shema", "output_schema"),
    ],
)
def test_a_name_that_is_nearly_an_option_is_refused_with_the_option(told, name, meant):
    error = told(agent(**{name: 1}))

    assert error.id == "runs.E001" and repr(name) in error.msg and f"Write {meant};" in error.hint


def test_a_name_in_a_class_between_is_looked_at_as_well(told):
    between = type("Between", (Agent,), {"max_cost": 0.5})

    error = told(type("Mine", (between,), {"name": "mine", "model": "claude-sonnet-5-5"}))

    assert "max_cost" in error.msg


@pytest.mark.parametrize("name", ["thinking", "tool_choice", "stop_sequences", "fallback_models", "context"])
def test_an_option_that_is_not_built_yet_is_refused_and_not_ignored(told, name):
    assert "not built yet" in told(agent(**{name: "x"})).hint


@pytest.mark.parametrize("name", ["max_cost_usd", "model", "tools", "max_steps", "lane"])
def test_a_plain_job_has_no_options_of_agents(told, name):
    error = told(job(**{name: 1}))

    assert repr(name) in error.msg and "option of agents" in error.hint


def test_what_a_project_adds_for_itself_is_left_alone(told):
    class Mine(Agent):
        name = "mine"
        model = "claude-sonnet-5-5"
        _max_cost = 0.5
        language = "de"
        lang = "de"
        prompts: ClassVar[dict[str, str]] = {"a": "b"}
        MAX_COST = 0.5
        timeouts: float

        class Models:
            """Nested."""

        def tool(self) -> None:
            """A method."""

        @property
        def max_cost(self) -> float:
            """A property."""
            return 1.0

        @cached_property
        def queues(self) -> list[str]:
            """Another one."""
            return []

        @staticmethod
        def names() -> None:
            """A function."""

    assert told(Mine) is None


@pytest.mark.parametrize(
    ("declare", "name", "meant"),
    [
        *((agent, name, "prompt") for name in ("promt", "prompts", "promp", "prmopt", "prompt_")),
        *((agent, name, "end_user") for name in ("enduser", "end_usr")),
        *((declare, "uniqe_by", "unique_by") for declare in (agent, job)),
    ],
)
@pytest.mark.parametrize("kind", [lambda function: function, staticmethod, classmethod, property])
def test_a_function_that_is_nearly_a_hook_is_refused_with_the_hook(told, declare, name, meant, kind):
    error = told(declare(**{name: kind(lambda self, *rest: "x")}))

    assert error.id == "runs.E001" and repr(name) in error.msg and f"Write {meant};" in error.hint


@pytest.mark.parametrize("name", ["runs", "run_"])
def test_a_job_whose_run_is_misspelt_is_told_so(told, name):
    error = told(type("Mine", (Job,), {"name": "mine", name: lambda self, context: None}))

    assert repr(name) in error.msg and "Write run;" in error.hint


def test_a_hook_that_is_misspelt_in_a_class_between_is_found_as_well(told):
    between = type("Between", (Agent,), {"promt": lambda self, input: "x"})

    assert "promt" in told(type("Mine", (between,), {"name": "mine", "model": "claude-sonnet-5-5"})).msg


@pytest.mark.parametrize("name", ["approval", "aproval"])
@pytest.mark.parametrize("value", ["always", lambda self, context, arguments: True])
@pytest.mark.parametrize("declare", [agent, job])
def test_an_approval_of_a_job_type_is_refused_because_nothing_would_ask(told, declare, name, value):
    assert "@tool(approval=" in told(declare(**{name: value})).hint


HELPERS = "find_user send_user get_user user prompt_parts render rerun runner run_all checks ask".split()


@pytest.mark.parametrize("declare", [agent, job])
@pytest.mark.parametrize("name", HELPERS)
def test_a_helper_that_is_not_like_a_hook_is_left_alone(told, declare, name):
    assert told(declare(**{name: lambda self: "x"})) is None


def test_a_name_like_a_hook_that_is_defined_is_a_helper(told):
    assert told(agent(prompt=lambda self, input: "x", prompts=lambda self: ["x"])) is None
    assert told(job(runs=lambda self: 3)) is None


@pytest.mark.parametrize("name", ["form", "input_json_schema", "retry_policy"])
def test_a_name_of_our_own_is_not_to_be_hidden(told, name):
    assert told(agent(**{name: "x"})) is not None


WRONG = {
    "name": [None, 5, "", "two words", "x" * 101],
    "queue": [None, ["agents"], 5],
    "model": [None, "", 5],
    "system": [None, ["x"]],
    "tools": [look, None, "look", {"look": look}, [len], ["look"]],
    "max_cost_usd": ["0.5", -1, float("nan"), float("inf"), True, 10**6],
    "max_steps": [0, -1, "20", 2.0, True, None, 2**31],
    "max_tokens": [0, "4096", None],
    "timeout_s": [0, -1, "30", float("nan"), float("inf"), True, None, 1e20],
    "max_running_per_tenant": [0, "1", 1.5, True],
    "converses": ["yes", 1, None],
    "lane": ["fast", None, []],
    "cache_ttl": ["2h", 5],
    "retry": [Linear, "linear", 3],
    "retry_delays_s": [5, [-1], ["10"], "10", [float("nan")]],
    "unique_by": [5, (), {"a"}, "text", ["nothing"]],
    "on_conflict": ["ignore", None, []],
    "unique_for_s": [0, "60", -1],
    "fresh_for_s": [0, "60", float("nan")],
    "errors": [[KeyError], None, {"KeyError": "transient"}, {KeyError: "passing"}],
    "input_schema": ["text", dict, {"type": "array"}, {"type": "nothing"}, SimpleNamespace()],
    "output_schema": ["text", dict, {"type": "array"}, Model.__call__],
    "description": [None, 5],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_value_that_an_option_does_not_take_is_refused_by_its_name(told, name, value):
    error = told(agent(**{name: value}))

    assert error is not None and error.id == "runs.E001" and error.hint
    assert name in error.msg or name in ("input_schema", "output_schema", "errors", "model", "tools", "unique_by")


TOOL_WRONG = {
    "effect": ["save", None, [], 5],
    "approval": ["sometimes", True, None, []],
    "timeout_s": [0, -1, "30", float("nan"), True, None],
    "verify": ["f", 5],
    "risk": ["huge", 5, []],
    "amount": ["usd", 5, []],
    "roles": ["operator", ("boss",), [5], None, [[]]],
    "name": ["two words", 5, "x" * 65],
    "input_schema": ["x", {"type": "array"}],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in TOOL_WRONG.items() for value in values])
def test_so_are_options_of_tools(name, value):
    with pytest.raises(DeclarationError) as raised:
        tool(**{name: value})(look.function)

    assert raised.value.hint


@pytest.mark.parametrize(
    ("name", "hint"), [("efect", "effect"), ("timeout", "timeout_s"), ("role", "roles"), ("simulate", "not built yet")]
)
def test_an_unknown_option_of_a_tool_is_refused_with_the_nearest(name, hint):
    with pytest.raises(DeclarationError) as raised:
        tool(**{name: "x"})(look.function)

    assert repr(name) in str(raised.value) and hint in raised.value.hint


@pytest.mark.parametrize("nothing", ["look", 5, None])
def test_only_functions_are_tools(nothing):
    with pytest.raises(DeclarationError):
        tool(function=nothing or "x", name="x", description="x", input_schema={"type": "object"})


@pytest.mark.parametrize("nothing", [len, SimpleNamespace, "x", None])
def test_only_job_types_are_registered(told, nothing):
    assert "no job type" in told(nothing).msg
