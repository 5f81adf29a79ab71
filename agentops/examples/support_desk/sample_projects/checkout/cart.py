"""A shopping cart: prices in cents, discounts, shipping. One rule is broken, for an agent to find."""

FREE_SHIPPING_FROM_CENTS = 5000
SHIPPING_CENTS = 490


class Cart:
    """Articles and their prices."""

    def __init__(self) -> None:
        self._lines: dict[str, tuple[int, int]] = {}

    def add(self, article: str, price_cents: int, quantity: int = 1) -> None:
        """Put an article in, or more of it."""
        if quantity < 1 or price_cents < 0:
            raise ValueError("quantity and price must make sense")
        _, present = self._lines.get(article, (price_cents, 0))
        self._lines[article] = (price_cents, present + quantity)

    def remove(self, article: str) -> None:
        """Take an article out."""
        del self._lines[article]

    @property
    def subtotal_cents(self) -> int:
        """Price of all articles."""
        return sum(price * quantity for price, quantity in self._lines.values())

    @property
    def shipping_cents(self) -> int:
        """Price of the shipping; none for an empty cart."""
        if not self._lines:
            return 0
        # The bug: “from 50.00” includes 50.00, so this should be >=.
        return 0 if self.subtotal_cents > FREE_SHIPPING_FROM_CENTS else SHIPPING_CENTS

    def total_cents(self, discount_percent: int = 0) -> int:
        """Price of everything, the discount taken from the articles and rounded to the customer's favour."""
        return self.subtotal_cents * (100 - discount_percent) // 100 + self.shipping_cents
