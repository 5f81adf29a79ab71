"""Eight tests of a second each: long enough to watch the progress, or to kill a worker meanwhile."""
# ruff: noqa: D102 (a test says in its name what it means)

import time
import unittest


class SlowTest(unittest.TestCase):
    """Stand-ins for tests that wait for something."""

    def test_1_the_store_opens(self) -> None:
        time.sleep(1)

    def test_2_a_customer_comes_in(self) -> None:
        time.sleep(1)

    def test_3_the_search_answers(self) -> None:
        time.sleep(1)

    def test_4_an_order_is_placed(self) -> None:
        time.sleep(1)

    def test_5_the_payment_clears(self) -> None:
        time.sleep(1)

    def test_6_the_parcel_is_packed(self) -> None:
        time.sleep(1)

    def test_7_the_parcel_arrives(self) -> None:
        time.sleep(1)

    def test_8_the_customer_is_happy(self) -> None:
        time.sleep(1)
