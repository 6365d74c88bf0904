"""Comparing what the supplier confirms with what was approved (DOMAIN §6.8).

The cart passed the employee's browser unsigned, and suppliers fill orders at the day's prices: so
every confirmation is compared. Beyond the connection's tolerance is flagged, exactly at it is not.
A lower price is shown on the page, not flagged.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import ceil

from punchout.models import CatalogConnection, LedgerEntry, OrderLine, PurchaseOrder

Kind = LedgerEntry.Kind


def real_amount(line: OrderLine, entries: Iterable[LedgerEntry]) -> int | None:
    """What the confirmed units of a line cost incl. tax (円); None while nothing is confirmed.

    What a confirmation does not state is unchanged: the approved price, and the approved tax by
    the share of its units.
    """
    confirmed = [entry for entry in entries if entry.kind == Kind.CONFIRMED]
    if not confirmed:
        return None
    return sum(_entry_amount(line, entry) for entry in confirmed)


def _entry_amount(line: OrderLine, entry: LedgerEntry) -> int:
    if entry.unit_price is None and entry.tax is None:
        return _share(line.amount, entry.quantity, line.quantity)
    price = line.unit_price if entry.unit_price is None else entry.unit_price
    goods = price * entry.quantity
    if line.order.connection.prices == CatalogConnection.Prices.GROSS:
        return goods
    approved_tax = line.amount - line.unit_price * line.quantity
    tax = entry.tax
    if tax is None:
        # A changed price without a tax: the tax follows the price.
        approved_goods = line.unit_price * line.quantity
        tax = _share(approved_tax, goods, approved_goods) if approved_goods else 0
    return goods + tax


def _share(amount: int, part: int, whole: int) -> int:
    """``amount`` × part / whole, rounded up: half a yen is no difference."""
    return ceil(Fraction(amount * part, whole))


def of_line(line: OrderLine, entries: Sequence[LedgerEntry], asked: int) -> str:
    """How a line differs from what was approved, as a sentence; '' when within the tolerance.

    ``asked`` is the number of units that people here asked to cancel: those are no surprise.
    """
    found = []
    real = real_amount(line, entries)
    if real is not None and line.confirmed <= line.quantity:
        approved = _share(line.amount, line.confirmed, line.quantity)
        percent = Fraction(line.order.connection.tolerance_percent)
        if real - approved > approved * percent / 100:
            found.append(
                f"{line.confirmed} 点の金額が承認の ¥{approved:,} に対して ¥{real:,} です。"
            )
    if line.cancelled > asked:
        found.append(f"{line.quantity} 点のうち {line.cancelled} 点がキャンセルされました。")
    return "".join(found)[:200]


def total(lines: Iterable[tuple[OrderLine, Sequence[LedgerEntry]]]) -> int | None:
    """What is confirmed so far for the whole order, carriage and tax included (円)."""
    amounts = []
    for line, entries in lines:
        real = real_amount(line, entries)
        if real is not None:
            amounts.append(real)
        amounts += [entry.shipping for entry in entries if entry.shipping is not None]
    return sum(amounts) if amounts else None


def of_order(order: PurchaseOrder, lines: Iterable[OrderLine], unknown: Iterable[str]) -> str:
    """How the order differs, a sentence a line, its lines included; '' when it is as approved.

    ``unknown`` are sentences about items that nobody ordered.
    """
    found = [f"{line.line_number} 行目: {line.difference}" for line in lines if line.difference]
    found += unknown
    over = (order.real_total or 0) - order.total
    if over > order.connection.tolerance_yen:
        found.append(
            f"確認された合計が承認の ¥{order.total:,} に対して ¥{order.real_total or 0:,} です。"
        )
    return "\n".join(found)[:500]
