"""Any value becomes JSON, and a bad one within spoils itself only."""

import collections
import dataclasses
import datetime
import decimal
import enum
import itertools
import json
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from runs.engine.lease import LeaseLostError
from runs.engine.plain_json import DEPTH_MAX, jsonable

HUGE = 10**5_000


class Bad:
    def __str__(self):
        raise ValueError("no words")

    __repr__ = __str__


class Exits:
    def __str__(self):
        raise SystemExit(3)


class BadItems(list):
    def __iter__(self):
        yield 1
        raise KeyError("rows")


class Model(BaseModel):
    when: datetime.date
    what: object = None


@dataclasses.dataclass
class Data:
    name: str
    what: object = None


class Colour(enum.Enum):
    RED = "red"


class Count(enum.IntEnum):
    ONE = 1


class Loud(str):
    def __str__(self):
        raise ValueError("loud")


def itself():
    value = [1]
    value.append(value)
    return value


def raising():
    yield 1
    raise ValueError("broke off")


async def coroutine():
    return 1


def deep(levels):
    value = "bottom"
    for _ in range(levels):
        value = [value]
    return value


BAD = {
    "no number": (float("nan"), "NaN"),
    "infinity": (float("-inf"), "-Infinity"),
    "many digits": (HUGE, str(decimal.Decimal(HUGE))),
    "undecodable": (b"abc\xff", "abc\\xff"),
    "a bad object": (Bad(), "[cannot be written: no words]"),
    "an object that exits": (Exits(), "[cannot be written: 3]"),
    "bad items": (BadItems(), [1, "[cannot be read on: 'rows']"]),
    "a generator that raises": (raising(), [1, "[cannot be read on: broke off]"]),
    "itself": (itself(), [1, "[refers to itself]"]),
    "surrogate": ("\ud800", "�"),
    "a bad field": (Data("a", Bad()), {"name": "a", "what": "[cannot be written: no words]"}),
    "a bad field of a model": (
        Model(when=datetime.date(2026, 1, 2), what=b"\xff"), {"when": "2026-01-02", "what": "\\xff"},
    ),
    "a text that is none": (Loud("words"), "words"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_bad_value_spoils_itself_only(case):
    value, written = BAD[case]
    around = {"before": 1, "bad": [value, "beside"], "after": {"x": 2}}

    result = jsonable(around)

    assert result == {"before": 1, "bad": [written, "beside"], "after": {"x": 2}}
    assert json.loads(json.dumps(result, allow_nan=False)) == result


@pytest.mark.filterwarnings("error")
def test_a_coroutine_that_nobody_awaits_says_so():
    assert jsonable({"x": coroutine()}) == {"x": "[a coroutine that was not awaited]"}


ORDINARY = [
    (datetime.datetime(2026, 1, 2, 3, tzinfo=datetime.UTC), "2026-01-02T03:00:00Z"),
    (datetime.timedelta(days=1), "P1D"),
    (decimal.Decimal("1.10"), "1.10"),
    (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    (Colour.RED, "red"),
    (Count.ONE, 1),
    (True, True),
    ((1, 2), [1, 2]),
    (frozenset([1]), [1]),
    (collections.deque([1]), [1]),
    ({"a": 1}.keys(), ["a"]),
    (map(str, [1, 2]), ["1", "2"]),
    (collections.OrderedDict(a=1), {"a": 1}),
    (Model(when=datetime.date(2026, 1, 2)), {"when": "2026-01-02", "what": None}),
    (Data("a"), {"name": "a", "what": None}),
    (2**63, 2**63),
    (b"abc", "abc"),
    (ValueError("x"), "x"),
]


@pytest.mark.parametrize(("value", "written"), ORDINARY)
def test_ordinary_values_are_written_as_pydantic_writes_them(value, written):
    assert jsonable({"x": value}) == {"x": written}


def test_keys_become_texts_and_none_is_lost():
    value = {1: "a", "1": "b", None: "c", False: "d", (1, 2): "e", "\ud800": "f", chr(0xFFFD): "g", Colour.RED: "h"}

    written = jsonable(value)

    assert sorted(written.values()) == list("abcdefgh")
    assert written["1"] == "a" and written["1 (2)"] == "b" and written["red"] == "h"


def test_what_has_no_end_is_cut(monkeypatch):
    monkeypatch.setattr("runs.engine.plain_json.VALUES_MAX", 100)

    written = jsonable({"x": itertools.count(), "y": 1})

    assert len(written["x"]) < 110 and "cut" in written["x"][-1]


def test_what_is_nested_without_end_is_cut():
    assert f"more than {DEPTH_MAX} deep" in json.dumps(jsonable(deep(100_000)))


def test_what_stops_the_engine_is_not_taken_for_a_bad_value():
    def rows():
        raise LeaseLostError("lost")
        yield

    with pytest.raises(LeaseLostError):
        jsonable({"rows": rows()})


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.decimals() | st.dates(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers() | st.none(), inner) | st.tuples(inner),
    max_leaves=20,
)


@given(ANYTHING)
def test_whatever_it_is_it_becomes_json_that_can_be_stored(value):
    written = jsonable(value)

    assert json.loads(json.dumps(written, allow_nan=False)) == written
    json.dumps(written, ensure_ascii=False).encode()
