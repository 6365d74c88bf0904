"""What has become of each ordered line, worked out from the supplier's documents.

The documents are the facts; entries and counters are made from those in force. So any order of
arrival and any repetition gives the same result, and nothing the supplier says is refused: what
cannot be is flagged for a person.
"""

import datetime
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from punchout import cxml
from punchout.models import LedgerEntry, OrderLine, PurchaseOrder, SupplierDocument

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
    on: datetime.date | None = None
    tracking: str = ""
    carrier: str = ""


@dataclass
class _Sums:
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_COUNTERS, 0))
    unit_price: int | None = None
    tax: int | None = None


def rebuild(order: PurchaseOrder) -> None:
    """Write entries and counters of a locked order anew from its documents."""
    lines = {line.line_number: line for line in order.lines.all()}
    sums: dict[int, _Sums] = defaultdict(_Sums)
    entries: list[LedgerEntry] = []
    for document in in_force(order.documents.all()):
        for fact in _merged(facts(document, order, lines.values())):
            line = lines.get(fact.line_number)
            if line is None or fact.quantity <= 0:
                continue
            entries.append(_entry(line, document, fact))
            _add(sums[line.pk], fact)
    LedgerEntry.objects.filter(order_line__order=order).delete()
    LedgerEntry.objects.bulk_create(entries)
    for line in lines.values():
        _count(line, sums[line.pk])
    OrderLine.objects.bulk_update(
        lines.values(), [*_COUNTERS, "real_unit_price", "real_tax", "contradiction"]
    )


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
    overall = _BY_STATUS.get(message.type, Kind.CONFIRMED)
    if not message.items and message.type in ("accept", "reject"):
        # Without items the header speaks for the whole order.
        for line in lines:
            yield Fact(line.line_number, overall, line.quantity)
    for item in message.items:
        if not item.statuses:
            yield Fact(item.line_number, overall, int(item.quantity))
        for status in item.statuses:
            yield Fact(
                item.line_number,
                _BY_STATUS.get(status.type, Kind.CONFIRMED),
                int(status.quantity),
                unit_price=_yen(status.unit_price),
                tax=_yen(status.tax),
                on=_day(status.delivery_date or status.shipment_date or message.notice_date),
            )


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
            yield Fact(item.line_number, kind, int(item.quantity), **common)


def _invoiced(message: cxml.Invoice, order: PurchaseOrder) -> Iterator[Fact]:
    for line in message.lines:
        mine = not line.order_id or line.order_id == order.number
        if line.line_number is None or line.is_shipping or not mine:
            continue
        back = line.quantity < 0 or "credit" in message.purpose.lower()
        yield Fact(
            line.line_number,
            Kind.RETURNED if back else Kind.INVOICED,
            abs(int(line.quantity)),
            on=_day(message.invoice_date),
        )


def _merged(found: Iterable[Fact]) -> list[Fact]:
    """Facts of one document with the same line and kind, added up."""
    merged: dict[tuple[int, str], Fact] = {}
    for fact in found:
        fact.quantity = min(fact.quantity, MOST)
        known = merged.setdefault((fact.line_number, fact.kind), fact)
        if known is not fact:
            known.quantity += fact.quantity
            known.unit_price = fact.unit_price if fact.unit_price is not None else known.unit_price
            if fact.tax is not None:
                known.tax = (known.tax or 0) + fact.tax
    return list(merged.values())


def _entry(line: OrderLine, document: SupplierDocument, fact: Fact) -> LedgerEntry:
    return LedgerEntry(
        order_line=line,
        document=document,
        kind=fact.kind,
        quantity=fact.quantity,
        unit_price=fact.unit_price,
        tax=fact.tax,
        on=fact.on,
        tracking=fact.tracking,
        carrier=fact.carrier,
    )


def _add(sums: _Sums, fact: Fact) -> None:
    sums.counts[fact.kind] += fact.quantity
    if fact.kind == Kind.CONFIRMED:
        if fact.unit_price is not None:
            sums.unit_price = fact.unit_price
        if fact.tax is not None:
            sums.tax = (sums.tax or 0) + fact.tax


def _count(line: OrderLine, sums: _Sums) -> None:
    for name, count in sums.counts.items():
        setattr(line, name, count)
    line.real_unit_price = sums.unit_price
    line.real_tax = sums.tax
    spoken_for = line.confirmed + line.backordered + line.cancelled
    line.contradiction = ""
    if spoken_for > line.quantity:
        line.contradiction = (
            f"発注 {line.quantity} に対し、確認・入荷待ち・キャンセルの合計が {spoken_for} です。"
        )
    elif line.shipped > line.quantity:
        line.contradiction = f"発注 {line.quantity} に対し、出荷が {line.shipped} です。"


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
