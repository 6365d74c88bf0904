"""InvoiceDetailRequest: invoices and credit memos."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from lxml import etree

from .envelope import Envelope, read_envelope
from .tax import read_tax
from .values import (
    Money,
    read_amount,
    read_date,
    read_line_number,
    read_money,
    read_number,
    read_order_reference,
)
from .xml import Unreadable, at, attribute, children, text_of

_LINES: Final = ("InvoiceDetailItem", "InvoiceDetailServiceItem")
_REFERENCES: Final = ("InvoiceDetailItemReference", "InvoiceDetailServiceItemReference")


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """A line of an invoice, amounts and signs as stated. ``tax_rate`` is percent.

    ``line_number`` is that of our order, None when not stated. Shipping charged on a line is a line
    of its own with ``is_shipping``; several lines may bill one order line.
    """

    order_id: str
    order_payload_id: str
    line_number: int | None
    invoice_line_number: int | None
    quantity: Decimal
    unit_price: Money | None
    subtotal: Money | None
    tax: Money | None
    tax_rate: Decimal | None
    is_shipping: bool
    part_id: str
    description: str


@dataclass(frozen=True, slots=True)
class InvoiceTotals:
    """The summary; None for what is not stated."""

    subtotal: Money | None
    tax: Money | None
    shipping: Money | None
    handling: Money | None
    gross: Money | None
    net: Money | None
    due: Money | None


@dataclass(frozen=True, slots=True)
class Invoice(Envelope):
    """``purpose`` is standard, creditMemo, lineLevelCreditMemo, …; ``operation`` new or delete."""

    invoice_id: str
    purpose: str
    operation: str
    invoice_date: datetime | None
    lines: tuple[InvoiceLine, ...]
    totals: InvoiceTotals


def read_invoice(root: etree._Element, request: etree._Element, node: etree._Element) -> Invoice:
    """``node`` is the InvoiceDetailRequest inside ``request``."""
    header = node.find("InvoiceDetailRequestHeader")
    invoice_id = attribute(header, "invoiceID")
    if not invoice_id:
        raise Unreadable(400, "請求書に請求書番号(invoiceID)がありません。")
    return Invoice(
        **read_envelope(root, request),
        invoice_id=invoice_id,
        purpose=attribute(header, "purpose") or "standard",
        operation=attribute(header, "operation") or "new",
        invoice_date=read_date(attribute(header, "invoiceDate")),
        lines=tuple(_read_lines(node)),
        totals=_read_totals(node.find("InvoiceDetailSummary")),
    )


def _read_totals(summary: etree._Element | None) -> InvoiceTotals:
    def amount(name: str) -> Money | None:
        return read_money(at(summary, name), "請求書の合計欄")

    return InvoiceTotals(
        subtotal=amount("SubtotalAmount"),
        tax=amount("Tax"),
        shipping=amount("ShippingAmount"),
        handling=amount("SpecialHandlingAmount"),
        gross=amount("GrossAmount"),
        net=amount("NetAmount"),
        due=amount("DueAmount"),
    )


def _read_lines(node: etree._Element) -> Iterator[InvoiceLine]:
    for order in node.iterchildren("InvoiceDetailOrder"):
        reference = read_order_reference(order.find("InvoiceDetailOrderInfo"))
        for item in order.iterchildren(*_LINES):
            yield from _read_line(item, reference)
    for order in children(node, "InvoiceDetailHeaderOrder"):
        reference = read_order_reference(order.find("InvoiceDetailOrderInfo"))
        for summary in order.iterchildren("InvoiceDetailOrderSummary"):
            yield from _read_line(summary, reference)


def _read_line(item: etree._Element, reference: tuple[str, str]) -> Iterator[InvoiceLine]:
    """The line itself and, when shipping is charged on it, that charge."""
    stated = next(item.iterchildren(*_REFERENCES), None)
    quantity = read_number(item.get("quantity"), "請求明細の数量")
    line_number = read_line_number(attribute(stated, "lineNumber"))
    invoice_line_number = read_line_number(item.get("invoiceLineNumber"))
    price = item.find("UnitPrice")
    tax = read_tax(item.find("Tax"), "請求明細の消費税")
    yield InvoiceLine(
        order_id=reference[0],
        order_payload_id=reference[1],
        line_number=line_number,
        invoice_line_number=invoice_line_number,
        quantity=Decimal(1) if quantity is None else quantity,
        unit_price=read_money(item.find("UnitRate") if price is None else price, "請求明細の単価"),
        subtotal=read_money(item.find("SubtotalAmount"), "請求明細の小計"),
        tax=tax.tax,
        tax_rate=tax.rate,
        is_shipping=False,
        part_id=text_of(at(stated, "ItemID/SupplierPartID")),
        description=text_of(at(stated, "Description")),
    )
    shipping = read_amount(item.find("InvoiceDetailLineShipping/Money"), "請求明細の配送料")
    if shipping is None or (shipping.amount == 0 and tax.shipping_tax is None):
        return
    yield InvoiceLine(
        order_id=reference[0],
        order_payload_id=reference[1],
        line_number=line_number,
        invoice_line_number=invoice_line_number,
        quantity=Decimal(1),
        unit_price=shipping,
        subtotal=shipping,
        tax=tax.shipping_tax,
        tax_rate=tax.shipping_rate,
        is_shipping=True,
        part_id="",
        description="",
    )
