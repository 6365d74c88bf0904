"""OrderRequest: the purchase order."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from lxml import etree

from .address import JAPANESE, add_address, add_contact, add_extrinsic
from .envelope import DeploymentMode, Parties, start_request
from .item import build_item_out, parse_item
from .values import Address, stated_date, stated_number
from .xml import element, serialise


@dataclass(frozen=True, slots=True)
class OrderItem:
    """One line. ``item_in_xml`` is the cart's ItemIn as received, which the line is built from.

    ``unit_price`` is in ``currency`` and as the cart stated it. ``tax_yen`` (yen) and ``tax_rate``
    (percent) serve only where the ItemIn has no usable Tax of its own.
    """

    line_number: int
    quantity: int
    item_in_xml: str
    unit_price: int | Decimal
    currency: str = "JPY"
    tax_yen: int | None = None
    tax_rate: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """A new order. ``total_yen`` includes tax and shipping, ``tax_yen`` is all tax.

    ``shipping_yen`` excludes its tax; ``shipping_tax_yen`` is the part of ``tax_yen`` that falls on
    shipping, None when unknown.
    """

    parties: Parties
    payload_id: str
    timestamp: datetime
    deployment_mode: DeploymentMode
    order_id: str
    order_date: datetime
    total_yen: int
    tax_yen: int
    shipping_yen: int
    ship_to: Address
    bill_to: Address
    contact_name: str
    contact_email: str
    items: tuple[OrderItem, ...]
    shipping_tax_yen: int | None = None
    currency: str = "JPY"
    business_unit: str = ""
    comments: str = ""


def build_order_request(order: Order) -> bytes:
    """The document without the shared secret (see ``with_secret``); the same order, the same bytes.

    Raises Unreadable when a kept ItemIn is damaged, ValueError for naive dates or no items.
    """
    if not order.items:
        raise ValueError("an order needs at least one item")
    root, body = start_request(
        order.parties, order.payload_id, order.timestamp, order.deployment_mode
    )
    request = element(body, "OrderRequest")
    _add_header(request, order)
    for item in order.items:
        request.append(_item_out(item))
    return serialise(root)


def _add_header(request: etree._Element, order: Order) -> None:
    attributes = {
        "orderID": order.order_id,
        "orderDate": stated_date(order.order_date),
        "type": "new",
    }
    header = element(request, "OrderRequestHeader", attributes=attributes)
    _add_money(element(header, "Total"), order.total_yen, order.currency)
    add_address(header, "ShipTo", order.ship_to)
    add_address(header, "BillTo", order.bill_to)
    if order.shipping_yen:
        shipping = element(header, "Shipping")
        _add_money(shipping, order.shipping_yen, order.currency)
        element(shipping, "Description", "配送料", JAPANESE)
    tax = element(header, "Tax")
    _add_money(tax, order.tax_yen, order.currency)
    element(tax, "Description", "消費税", JAPANESE)
    if order.shipping_tax_yen:
        goods_tax = order.tax_yen - order.shipping_tax_yen
        _add_detail(tax, "subtotalTax", goods_tax, order.currency, None)
        _add_detail(tax, "shippingTax", order.shipping_tax_yen, order.currency, None)
    add_contact(header, order.contact_name, order.contact_email)
    if order.comments:
        element(header, "Comments", order.comments, JAPANESE)
    add_extrinsic(header, "email", order.contact_email)
    if order.business_unit:
        add_extrinsic(header, "UserBusinessUnit", order.business_unit)


def _item_out(item: OrderItem) -> etree._Element:
    out = build_item_out(
        parse_item(item.item_in_xml),
        line_number=item.line_number,
        quantity=item.quantity,
        unit_price=item.unit_price,
        currency=item.currency,
    )
    if item.tax_yen is not None and out.find("Tax") is None:
        tax = etree.Element("Tax")
        _add_money(tax, item.tax_yen, item.currency)
        element(tax, "Description", "消費税", JAPANESE)
        _add_detail(tax, "subtotalTax", item.tax_yen, item.currency, item.tax_rate)
        # The DTD wants it after ItemDetail and SupplierID.
        before = out.find("SupplierID")
        (out[1] if before is None else before).addnext(tax)
    return out


def _add_money(parent: etree._Element, amount: Decimal | int, currency: str) -> None:
    element(parent, "Money", stated_number(amount), {"currency": currency})


def _add_detail(
    tax: etree._Element, purpose: str, yen: int, currency: str, rate: Decimal | None
) -> None:
    attributes = {"category": "vat", "purpose": purpose}
    if rate is not None:
        attributes["percentageRate"] = stated_number(rate)
    detail = element(tax, "TaxDetail", attributes=attributes)
    _add_money(element(detail, "TaxAmount"), yen, currency)
