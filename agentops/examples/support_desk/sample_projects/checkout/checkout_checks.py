"""The tests of the cart; the last of them fails, as the cart has a bug."""
# ruff: noqa: D102 (a test says in its name what it means)

import unittest

from cart import Cart  # type: ignore[import-not-found]  # it is in this folder, where the tests run


class CartTest(unittest.TestCase):
    """What customers rely on."""

    def setUp(self) -> None:
        """Start with an empty cart."""
        self.cart = Cart()

    def test_an_empty_cart_costs_nothing(self) -> None:
        assert self.cart.total_cents() == 0

    def test_articles_add_up(self) -> None:
        self.cart.add("tea", 800)
        self.cart.add("pot", 2500)
        assert self.cart.subtotal_cents == 3300

    def test_more_of_an_article_counts(self) -> None:
        self.cart.add("tea", 800)
        self.cart.add("tea", 800, quantity=2)
        assert self.cart.subtotal_cents == 2400

    def test_a_removed_article_is_gone(self) -> None:
        self.cart.add("tea", 800)
        self.cart.remove("tea")
        assert self.cart.total_cents() == 0

    def test_no_quantity_below_one(self) -> None:
        with self.assertRaises(ValueError):  # noqa: PT027 (nothing but the standard library is here)
            self.cart.add("tea", 800, quantity=0)

    def test_a_small_order_pays_for_shipping(self) -> None:
        self.cart.add("tea", 800)
        assert self.cart.total_cents() == 1290

    def test_a_discount_is_taken_from_the_articles(self) -> None:
        self.cart.add("machine", 10_000)
        assert self.cart.total_cents(discount_percent=15) == 8500

    def test_shipping_is_free_from_fifty(self) -> None:
        self.cart.add("kettle", 5000)
        assert self.cart.shipping_cents == 0, "an order of exactly 50.00 ships free"
