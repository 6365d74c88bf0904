"""The Tax element as suppliers state it; nothing here computes a tax."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from lxml import etree

from .values import Money, read_money, read_rate

_SHIPPING: Final = frozenset({"shippingtax", "specialhandlingtax"})


@dataclass(frozen=True, slots=True)
class StatedTax:
    """Tax on goods and tax on shipping, apart. Rates are percent, None when not stated or mixed."""

    tax: Money | None = None
    rate: Decimal | None = None
    shipping_tax: Money | None = None
    shipping_rate: Decimal | None = None


NO_TAX: Final = StatedTax()


def read_tax(node: etree._Element | None, what: str) -> StatedTax:
    """A TaxDetail whose purpose is shipping (or handling) is shipping tax, any other one is not.

    Without details the amount of the element counts, and an amount of 0 means a rate of 0 %.
    """
    if node is None:
        return NO_TAX
    total = read_money(node, what)
    goods: list[Money] = []
    goods_rates: list[Decimal | None] = []
    shipping: list[Money] = []
    shipping_rates: list[Decimal | None] = []
    details = 0
    for detail in node.iterchildren("TaxDetail"):
        is_shipping = (detail.get("purpose") or "").strip().lower() in _SHIPPING
        amount = read_money(detail.find("TaxAmount"), what)
        if amount is not None:
            (shipping if is_shipping else goods).append(amount)
        rate = read_rate(detail.get("percentageRate"), "税率")
        (shipping_rates if is_shipping else goods_rates).append(rate)
        details += 1
    shipping_tax = _sum(shipping)
    tax = _sum(goods)
    if tax is None and total is not None and not goods_rates and shipping_tax is not None:
        rest = total.amount - shipping_tax.amount
        tax = Money(rest, total.currency)
    elif tax is None:
        tax = total
    rate = _common(goods_rates)
    if not details and tax is not None and tax.amount == 0:
        rate = Decimal(0)
    return StatedTax(tax, rate, shipping_tax, _common(shipping_rates))


def _sum(amounts: list[Money]) -> Money | None:
    if not amounts:
        return None
    currency = next((money.currency for money in amounts if money.currency), "")
    return Money(sum((money.amount for money in amounts), Decimal(0)), currency)


def _common(rates: list[Decimal | None]) -> Decimal | None:
    return rates[0] if rates and all(rate == rates[0] for rate in rates) else None
