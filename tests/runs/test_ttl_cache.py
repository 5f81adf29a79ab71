"""What operators edit: read at most once a second, and kept while the database is away."""

import pytest
from django.db import OperationalError

from runs import clock
from runs.ttl_cache import TTLCache


class Rows:
    """A table that can be read, or cannot."""

    def __init__(self):
        self.value, self.reads, self.is_away = "first", 0, False

    def read(self):
        self.reads += 1
        if self.is_away:
            raise OperationalError("gone")
        return self.value


@pytest.fixture
def rows():
    return Rows()


def test_it_is_read_once_a_second_and_an_edit_holds_after_that(rows):
    recent = TTLCache("the rows", rows.read)
    assert (recent(), recent()) == ("first", "first") and rows.reads == 1

    rows.value = "second"
    clock.advance(1.01)

    assert (recent(), rows.reads) == ("second", 2)


def test_while_the_database_is_away_what_was_read_last_holds(rows):
    recent = TTLCache("the rows", rows.read)
    recent()

    rows.is_away = True
    clock.advance(1.01)

    assert recent() == "first"


def test_what_was_never_read_is_not_made_up(rows):
    rows.is_away = True

    with pytest.raises(OperationalError):
        TTLCache("the rows", rows.read)()


def test_what_was_forgotten_is_read_again_and_all_can_be_forgotten_together(rows):
    recent = TTLCache("the rows", rows.read)
    recent()

    recent.clear()
    recent()
    TTLCache.clear_all()
    recent()

    assert rows.reads == 3


def test_what_is_doubted_is_read_again_but_not_while_nothing_is_known_or_the_database_is_away(rows):
    recent = TTLCache("the rows", rows.read)
    recent.invalidate()
    recent(), recent.invalidate()

    rows.value = "second"
    assert recent() == "second"
    rows.is_away = True
    recent.invalidate()
    assert recent() == "second"


def test_nothing_found_is_not_doubted(rows):
    rows.value = ""
    recent = TTLCache("the rows", rows.read)
    recent(), recent.invalidate(), recent()

    assert rows.reads == 1
