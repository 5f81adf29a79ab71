"""A run that moves while it is read is no breach; one that stays broken is."""

from runs.invariants.breach import Breach
from runs.invariants.every import breaches


class Seen:
    """A check that finds these breaches, look by look."""

    def __init__(self, *looks):
        self.looks = list(looks)

    def __call__(self):
        yield from self.looks.pop(0)


STAYS, MOVES, NEW = (Breach(1, name, "is broken") for name in ("stays", "moves", "new"))


def test_only_what_is_found_twice_is_told():
    check = Seen([STAYS, MOVES], [STAYS, NEW])

    assert list(breaches(look_again_after_s=0, checks=[check])) == [STAYS]


def test_a_row_that_is_broken_in_another_way_at_the_second_look_has_moved():
    check = Seen([Breach(1, "a", "counts 3")], [Breach(1, "a", "counts 4")])

    assert list(breaches(look_again_after_s=0, checks=[check])) == []


def test_who_found_nothing_is_not_asked_again():
    clean = Seen([])

    assert list(breaches(look_again_after_s=0, checks=[clean, Seen([STAYS], [STAYS])])) == [STAYS]
