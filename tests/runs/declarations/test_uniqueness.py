"""When two runs of a job type count as the same, and which declarations of that cannot work."""

import pytest

from runs.declarations.job_types import Job
from runs.errors import DeclarationError, InvalidInputError


def job(**attributes):
    def run(self, context, order_id: str, note: str = "") -> None: ...

    return type("Some", (Job,), {"name": "some", "run": run, **attributes})()


def test_without_more_the_whole_input_counts_and_the_conversation_that_goes_on():
    one = job()

    assert one.unique_key({"order_id": "1", "note": "a"}) == one.unique_key({"note": "a", "order_id": "1"})
    assert one.unique_key({"order_id": "1"}) != one.unique_key({"order_id": "2"})
    assert one.unique_key({"order_id": "1"}) != one.unique_key({"order_id": "1"}, continues="some run")


def test_named_fields_alone_count():
    one = job(unique_by=("order_id",))

    assert one.unique_key({"order_id": "1", "note": "a"}) == one.unique_key({"order_id": "1", "note": "b"})
    assert one.unique_key({"order_id": "1"}) != one.unique_key({"order_id": 1})


def test_a_function_says_what_counts():
    one = job(unique_by=lambda input: input["order_id"].lower())

    assert one.unique_key({"order_id": "A"}) == one.unique_key({"order_id": "a"})


def test_an_input_on_which_the_function_fails_is_named():
    with pytest.raises(
        InvalidInputError, match=r"input: `unique_by` of the job type fails on it: KeyError: 'order_id'"
    ):
        job(unique_by=lambda input: input["order_id"]).unique_key({})


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"on_conflict": "panic"}, "on_conflict is 'panic'"),
        ({"unique_by": "order_id"}, "unique_by is 'order_id'"),
        ({"unique_by": ()}, r"unique_by is \(\)"),
        ({"unique_by": ("colour",)}, "unique_by names 'colour'"),
        ({"unique_by": lambda: ""}, "takes the input and nothing else"),
        ({"unique_for_s": 0}, "unique_for_s is 0"),
        ({"fresh_for_s": -1}, "fresh_for_s is -1"),
    ],
)
def test_what_cannot_work_is_refused_with_a_hint(attributes, message):
    with pytest.raises(DeclarationError, match=message) as refused:
        job(**attributes).check()

    assert refused.value.hint


def test_what_can_work_is_taken():
    job(unique_by=["order_id"], on_conflict="interrupt", unique_for_s=1, fresh_for_s=0.5).check()
