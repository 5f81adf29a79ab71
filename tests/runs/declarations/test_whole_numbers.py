"""To JSON 5.0 is an integer: who declared an int is given one, of a tool as of a job."""

from typing import Any

import pytest
from pydantic import BaseModel

from runs.declarations.schema import as_declared
from runs.errors import InvalidInputError
from runs.registry import Job, tool


class Line(BaseModel):
    """A part of an order."""

    count: int
    price: float = 1.0
    parts: list["Line"] = []


@tool(effect="read")
def order(
    context: Any,
    count: int,
    sizes: list[int] = [],  # noqa: B006 (never changed)
    limit: int | None = None,
    line: Line | None = None,
    by_name: dict[str, int] = {},  # noqa: B006
    either: int | float = 0,
    share: float = 0.0,
    anything: Any = None,
) -> str:
    """Order."""
    return ""


given = tool(
    name="given",
    description="Given.",
    input_schema={
        "type": "object",
        "properties": {
            "count": {"$ref": "#/$defs/count"},
            "pair": {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "number"}], "items": False},
            "free": {"type": ["integer", "number"]},
        },
        "$defs": {"count": {"type": "integer", "minimum": 1}},
    },
    function=lambda context, **arguments: arguments,
    effect="read",
)


def same(value, other):
    return value == other and type(value) is type(other)


@pytest.mark.parametrize(("sent", "taken"), [(5, 5), (5.0, 5), (-0.0, 0), (1e22, 10**22)])
def test_an_int_takes_a_whole_float_and_is_given_an_int(sent, taken):
    assert same(order.validate({"count": sent})["count"], taken)


@pytest.mark.parametrize("sent", [5.5, True, "5", None, [5.0], 1e-9])
def test_an_int_takes_nothing_else(sent):
    with pytest.raises(InvalidInputError, match="count"):
        order.validate({"count": sent})


def test_so_do_the_ints_in_lists_options_models_and_dictionaries():
    line = {"count": 2.0, "price": 3.0, "parts": [{"count": 4.0}]}
    taken = order.validate({"count": 1, "sizes": [1.0, 2], "limit": 3.0, "line": line, "by_name": {"a": 6.0}})

    assert all(map(same, taken["sizes"], [1, 2])) and same(taken["limit"], 3) and same(taken["by_name"]["a"], 6)
    assert same(taken["line"].count, 2) and same(taken["line"].price, 3.0) and same(taken["line"].parts[0].count, 4)


@pytest.mark.parametrize("arguments", [{"sizes": [1.5]}, {"limit": 0.5}, {"line": {"count": 0.5}}, {"sizes": [True]}])
def test_halves_are_refused_there_too(arguments):
    with pytest.raises(InvalidInputError):
        order.validate({"count": 1, **arguments})


def test_what_may_be_a_float_stays_one():
    taken = order.validate({"count": 1, "either": 5.0, "share": 5.0, "anything": 5.0})

    assert same(taken["either"], 5.0) and same(taken["share"], 5.0) and same(taken["anything"], 5.0)


def test_a_schema_that_is_given_means_the_same():
    taken = given.validate({"count": 5.0, "pair": [1.0, 2.0], "free": 5.0})

    assert same(taken["count"], 5) and same(taken["pair"][0], 1) and same(taken["pair"][1], 2.0)
    assert same(taken["free"], 5.0)


def test_a_job_is_given_ints_for_the_whole_floats_of_its_input():
    class Counted(Job):
        name = "counted"

        def run(self, context: Any, count: int, sizes: list[int] | None = None) -> int:
            return count

    taken = Counted().validate_input({"count": 5.0, "sizes": [1.0]})

    assert same(taken["count"], 5) and same(taken["sizes"][0], 1)
    with pytest.raises(InvalidInputError, match=r"input\.count"):
        Counted().validate_input({"count": 5.5})


def test_an_infinite_number_is_no_integer():
    assert as_declared(float("inf"), {"type": "integer"}) == float("inf")
