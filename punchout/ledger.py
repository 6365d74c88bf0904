"""What has become of each ordered line, worked out from the supplier's documents.

The documents are the facts; entries and counters are made from those in force. So any order of
arrival and any repetition gives the same result, and nothing the supplier says is refused: what
cannot be is flagged for a person.
"""

import datetime
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils import timezone

from punchout import cxml, differences
from punchout.models import (
    CancelRequest,
    LedgerEntry,
    OrderLine,
    PurchaseOrder,
    SupplierDocument,
)

Kind = LedgerEntry.Kind

_BY_STATUS = {
    "backordered": Kind.BACKORDERED,
    "reject": Kind.CANCELLED,
}
"""Types of ConfirmationStatus and ConfirmationHeader; every other one confirms."""

MOST = 1_000_000
"""More of one line than any order holds: a larger figure is flagged all the same, and fits."""

_COUNTERS = [kind.value for kind in Kind]
_EARLIEST = datetime.datetime.min.replace(tzinfo=datetime.UTC)


@dataclass
class Fact:
    """A quantity that one document states for one line."""

    line_number: int
    kind: LedgerEntry.Kind
    quantity: int
    unit_price: int | None = None
    tax: int | None = None
    shipping: int | None = None
    on: datetime.date | None = None
    tracking: str = ""
    carrier: str = ""
    odd: str = ""
    """What about it can't be: a fraction of a piece, another item than was ordered."""


def rebuild(order: PurchaseOrder) -> None:
    """Write entries, counters, contradictions and differences of a locked order anew.

    Saves ``real_total`` and ``difference`` of the order as well.
    """
    lines = {line.line_number: line for line in order.lines.order_by("line_number")}
    for line in lines.values():
        line.order = order
    entries: dict[int, list[LedgerEntry]] = defaultdict(list)
    odd: dict[int, list[str]] = defaultdict(list)
    unknown: list[str] = []
    for document in in_force(order.documents.all()):
        for fact in _merged(facts(document, order, lines.values())):
            stated = lines.get(fact.line_number)
            if stated is None:
                unknown.append(f"発注していない {fact.line_number} 行目が届いています。")
                continue
            if fact.odd:
                odd[stated.pk].append(fact.odd)
            if fact.quantity > 0:
                entries[stated.pk].append(_entry(stated, document, fact))
    _add_cancelled_by_hand(order, entries)
    LedgerEntry.objects.filter(order_line__order=order).delete()
    LedgerEntry.objects.bulk_create(entry for line in entries.values() for entry in line)
    asked = _asked_to_cancel(order)
    for line in lines.values():
        _count(line, entries[line.pk], odd[line.pk])
        line.difference = differences.of_line(line, entries[line.pk], asked[line.pk])
    OrderLine.objects.bulk_update(
        lines.values(), [*_COUNTERS, "real_unit_price", "real_tax", "contradiction", "difference"]
    )
    order.real_total = differences.total((line, entries[line.pk]) for line in lines.values())
    order.difference = differences.of_order(order, lines.values(), dict.fromkeys(unknown))
    order.save(update_fields=["real_total", "difference"])


def _add_cancelled_by_hand(order: PurchaseOrder, entries: dict[int, list[LedgerEntry]]) -> None:
    """A person's word that units were cancelled counts for what no document says."""
    closed = CancelRequest.objects.filter(
        order_line__order=order, state=CancelRequest.State.DONE, closed_by__isnull=False
    ).order_by("pk")
    for request in closed:
        known = entries[request.order_line_id]
        stated = sum(entry.quantity for entry in known if entry.kind == Kind.CANCELLED)
        if stated < request.target:
            known.append(
                LedgerEntry(
                    order_line_id=request.order_line_id,
                    cancel_request=request,
                    kind=Kind.CANCELLED,
                    quantity=request.target - stated,
                    on=timezone.localdate(request.closed_at),
                )
            )


def _asked_to_cancel(order: PurchaseOrder) -> dict[int, int]:
    asked: dict[int, int] = defaultdict(int)
    for request in CancelRequest.objects.filter(order_line__order=order):
        asked[request.order_line_id] += request.quantity
    return asked


def in_force(documents: Iterable[SupplierDocument]) -> list[SupplierDocument]:
    """Of the documents with one key the latest by their own date; an update beats what it mends."""
    latest: dict[tuple[str, str], SupplierDocument] = {}

    def rank(document: SupplierDocument) -> tuple:
        stated = document.dated or _EARLIEST
        return stated, document.operation != "new", document.payload_id

    for document in documents:
        key = (document.kind, document.key)
        if key not in latest or rank(document) > rank(latest[key]):
            latest[key] = document
    living = [document for document in latest.values() if document.operation != "delete"]
    return sorted(living, key=rank)


def facts(
    document: SupplierDocument, order: PurchaseOrder, lines: Iterable[OrderLine]
) -> Iterator[Fact]:
    """What ``document`` says about the lines of ``order``."""
    message = cxml.read_inbound(bytes(document.raw))
    match message:
        case cxml.Confirmation():
            yield from _confirmed(message, lines)
        case cxml.ShipNotice():
            yield from _shipped(message, order, lines)
        case cxml.Invoice():
            yield from _invoiced(message, order)


def _confirmed(message: cxml.Confirmation, lines: Iterable[OrderLine]) -> Iterator[Fact]:
    parts = {line.line_number: line.part_id for line in lines}
    carriage = _carriage_of_the_header(message)
    overall = _BY_STATUS.get(message.type, Kind.CONFIRMED)
    if not message.items and message.type in ("accept", "reject"):
        # Without items the header speaks for the whole order.
        for line in lines:
            yield Fact(line.line_number, overall, line.quantity)
    for item in message.items:
        if not item.statuses:
            yield _fact(item.line_number, overall, item.quantity)
        for status in item.statuses:
            ordered = parts.get(item.line_number)
            fact = _fact(
                item.line_number,
                _BY_STATUS.get(status.type, Kind.CONFIRMED),
                status.quantity,
                unit_price=_yen(status.unit_price),
                tax=_yen(status.tax),
                shipping=_with_tax(status.shipping, status.shipping_tax) or carriage,
                on=_day(status.delivery_date or status.shipment_date or message.notice_date),
            )
            if status.part_id and ordered and status.part_id != ordered:
                fact.odd = f"商品番号 {ordered} の代わりに {status.part_id} が届きます。"
            carriage = None
            yield fact


def _carriage_of_the_header(message: cxml.Confirmation) -> int | None:
    """Carriage incl. tax (円) stated for the whole confirmation instead of at its lines."""
    statuses = [status for item in message.items for status in item.statuses]
    charge = _yen(message.shipping)
    if charge is None or any(status.shipping is not None for status in statuses):
        return None
    taxes = [_yen(status.tax) for status in statuses]
    whole = _yen(message.tax)
    if whole is None or None in taxes:
        return charge
    return charge + max(0, whole - sum(tax for tax in taxes if tax is not None))


def _shipped(
    message: cxml.ShipNotice, order: PurchaseOrder, lines: Iterable[OrderLine]
) -> Iterator[Fact]:
    kind = Kind.RETURNED if message.is_return else Kind.SHIPPED
    common: dict[str, Any] = {
        "on": _day(message.shipment_date or message.notice_date),
        "tracking": " ".join(message.trackings)[:120],
        "carrier": " ".join(message.carriers)[:60],
    }
    for portion in message.portions:
        if portion.order_id and portion.order_id != order.number:
            continue
        if not portion.items:
            for line in lines:
                yield Fact(line.line_number, kind, line.quantity, **common)
        for item in portion.items:
            yield _fact(item.line_number, kind, item.quantity, **common)


def _invoiced(message: cxml.Invoice, order: PurchaseOrder) -> Iterator[Fact]:
    for line in message.lines:
        mine = not line.order_id or line.order_id == order.number
        if line.line_number is None or line.is_shipping or not mine:
            continue
        back = line.quantity < 0 or "credit" in message.purpose.lower()
        yield _fact(
            line.line_number,
            Kind.RETURNED if back else Kind.INVOICED,
            abs(line.quantity),
            on=_day(message.invoice_date),
        )


def _fact(line_number: int, kind: LedgerEntry.Kind, quantity: Decimal, **stated: Any) -> Fact:
    whole = MOST if quantity > MOST else int(quantity)
    fact = Fact(line_number, kind, whole, **stated)
    if whole != quantity and quantity <= MOST:
        # Pieces have no fractions; what is left over is shown, not counted.
        fact.odd = f"数量 {quantity.normalize():f} は整数ではありません。"
    return fact


def _with_tax(money: cxml.Money | None, tax: cxml.Money | None) -> int | None:
    """A charge incl. its tax (円); None when no charge is stated."""
    charge = _yen(money)
    return None if charge is None else charge + (_yen(tax) or 0)


def _merged(found: Iterable[Fact]) -> list[Fact]:
    """Facts of one document with the same line and kind, added up."""
    merged: dict[tuple[int, str], Fact] = {}
    for fact in found:
        fact.quantity = min(fact.quantity, MOST)
        known = merged.setdefault((fact.line_number, fact.kind), fact)
        if known is not fact:
            known.quantity += fact.quantity
            # Two prices for one line: the dearer one decides whether a person has to look.
            stated = [price for price in (known.unit_price, fact.unit_price) if price is not None]
            known.unit_price = max(stated, default=None)
            if fact.tax is not None:
                known.tax = (known.tax or 0) + fact.tax
            if fact.shipping is not None:
                known.shipping = (known.shipping or 0) + fact.shipping
            known.odd = known.odd or fact.odd
    return list(merged.values())


def _entry(line: OrderLine, document: SupplierDocument, fact: Fact) -> LedgerEntry:
    return LedgerEntry(
        order_line=line,
        document=document,
        kind=fact.kind,
        quantity=fact.quantity,
        unit_price=fact.unit_price,
        tax=fact.tax,
        shipping=fact.shipping,
        on=fact.on,
        tracking=fact.tracking,
        carrier=fact.carrier,
    )


def _count(line: OrderLine, entries: list[LedgerEntry], odd: list[str]) -> None:
    counts: dict[str, int] = dict.fromkeys(_COUNTERS, 0)
    for entry in entries:
        counts[entry.kind] += entry.quantity
    for name, count in counts.items():
        setattr(line, name, count)
    confirmed = [entry for entry in entries if entry.kind == Kind.CONFIRMED]
    prices = [entry.unit_price for entry in confirmed if entry.unit_price is not None]
    taxes = [entry.tax for entry in confirmed if entry.tax is not None]
    line.real_unit_price = prices[-1] if prices else None
    line.real_tax = sum(taxes) if taxes else None
    by_hand = sum(entry.quantity for entry in entries if entry.cancel_request_id)
    line.contradiction = "".join(dict.fromkeys([*_impossible(line, by_hand), *odd]))[:200]


def _impossible(line: OrderLine, by_hand: int) -> Iterator[str]:
    """What can't all be true of a line; what a person knows to be cancelled was confirmed once."""
    spoken_for = line.confirmed + line.backordered + line.cancelled - by_hand
    if spoken_for > line.quantity:
        yield f"発注 {line.quantity} に対し、確認・入荷待ち・キャンセルの合計が {spoken_for} です。"
    elif line.shipped > line.quantity:
        yield f"発注 {line.quantity} に対し、出荷が {line.shipped} です。"
    elif line.shipped + line.cancelled > line.quantity:
        yield f"キャンセル {line.cancelled} に加えて {line.shipped} が出荷されています。"
    if line.invoiced > line.quantity:
        yield f"発注 {line.quantity} に対し、請求が {line.invoiced} です。"
    if line.returned > max(line.shipped, line.confirmed):
        yield f"出荷 {line.shipped} に対し、返品が {line.returned} です。"


def _yen(money: cxml.Money | None) -> int | None:
    if money is None:
        return None
    try:
        yen = money.yen()
        return yen if abs(yen) < 10**12 else None
    except cxml.Unreadable:
        # A foreign or fractional price cannot be taken over; the raw document still shows it.
        return None


def _day(moment: datetime.datetime | None) -> datetime.date | None:
    return timezone.localdate(moment) if moment and plausible(moment) else None


def plausible(moment: datetime.datetime | None) -> bool:
    """Whether an instant can be meant; years near the calendar's ends cannot even be converted."""
    return moment is not None and 2000 <= moment.year <= 2100
