"""Prices in integer yen, as the supplier states them: without tax, the tax beside them."""

from dataclasses import dataclass

SHIPPING_RATE = 10  # %: carriage is taxed at the standard rate whatever it carries


def tax_on(amount: int, rate: int) -> int:
    """Return the tax on `amount` yen at `rate` %, rounded to the nearest yen, halves up."""
    return (amount * rate * 2 + 100) // 200


@dataclass(frozen=True, slots=True)
class Priced:
    """One line's amounts. `unit_price` and `shipping` are without tax; `rate` is in %."""

    unit_price: int
    quantity: int
    rate: int
    shipping: int = 0

    @property
    def subtotal(self) -> int:
        """The goods without tax."""
        return self.unit_price * self.quantity

    @property
    def subtotal_tax(self) -> int:
        """The tax on the goods, rounded once for the line."""
        return tax_on(self.subtotal, self.rate)

    @property
    def shipping_tax(self) -> int:
        """The tax on this line's carriage."""
        return tax_on(self.shipping, SHIPPING_RATE)

    @property
    def tax(self) -> int:
        """All tax of the line."""
        return self.subtotal_tax + self.shipping_tax

    @property
    def payable(self) -> int:
        """Everything the buyer pays for the line."""
        return self.subtotal + self.shipping + self.tax
