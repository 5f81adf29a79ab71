"""Eight tests of a second each: long enough to watch the progress, or to kill a worker meanwhile."""

import time
import unittest


def _wait(_: unittest.TestCase) -> None:
    time.sleep(1)


class SlowTest(unittest.TestCase):
    """Stand-ins for tests that wait for something."""

    test_1_the_store_opens = _wait
    test_2_a_customer_comes_in = _wait
    test_3_the_search_answers = _wait
    test_4_an_order_is_placed = _wait
    test_5_the_payment_clears = _wait
    test_6_the_parcel_is_packed = _wait
    test_7_the_parcel_arrives = _wait
    test_8_the_customer_is_happy = _wait
