"""Messages that a supplier sends us by itself: confirmations, ship notices, updates, profile."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from lxml import etree

from .envelope import Envelope, read_envelope
from .invoice import Invoice, read_invoice
from .response import Status, read_status
from .tax import read_tax
from .values import (
    Money,
    read_date,
    read_line_number,
    read_money,
    read_number,
    read_order_reference,
)
from .xml import MAX_BYTES, Unreadable, at, attribute, children, parse, text_of

Comment = tuple[str, str]
"""The type of a comment ('' when none) and its text."""

# 「[エラーコード: 018-007]」 at the end of a comment; several comments may be joined by ' || '.
_BRACKETED_CODE: Final = re.compile(r"\[[^\[\]0-9]{0,40}([0-9]{3}-[0-9]{3})\s*\]")
_BARE_CODE: Final = re.compile(r"(?<![0-9-])([0-9]{3}-[0-9]{3})(?![0-9-])")


@dataclass(frozen=True, slots=True)
class ConfirmationStatus:
    """What becomes of a part of a line. Money and dates are None when not stated: unchanged.

    ``type`` is accept, detail, allDetail, backordered, reject, … as stated. ``unit_price``, ``tax``
    and ``part_id`` may come from a replacing ItemIn; ``part_id`` is '' without one.
    """

    quantity: Decimal
    type: str
    delivery_date: datetime | None
    shipment_date: datetime | None
    unit_price: Money | None
    tax: Money | None
    tax_rate: Decimal | None
    shipping: Money | None
    shipping_tax: Money | None
    comments: tuple[Comment, ...]
    error_codes: tuple[str, ...]
    part_id: str
    auxiliary_id: str


@dataclass(frozen=True, slots=True)
class ConfirmationItem:
    """One line of the order, by its number in the order."""

    line_number: int
    quantity: Decimal
    statuses: tuple[ConfirmationStatus, ...]


@dataclass(frozen=True, slots=True)
class Confirmation(Envelope):
    """``confirm_id`` is the supplier's order number, '' in a rejection. ``total`` as stated.

    ``operation`` is new, or update: then it replaces the one with the same ``confirm_id``.
    """

    confirm_id: str
    type: str
    operation: str
    notice_date: datetime | None
    order_id: str
    order_payload_id: str
    total: Money | None
    shipping: Money | None
    tax: Money | None
    comments: tuple[Comment, ...]
    error_codes: tuple[str, ...]
    items: tuple[ConfirmationItem, ...]


@dataclass(frozen=True, slots=True)
class ShipNoticeItem:
    """So much of a line of the order was shipped."""

    line_number: int
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class ShipNoticePortion:
    """The shipped part of one order; without items the whole order."""

    order_id: str
    order_payload_id: str
    items: tuple[ShipNoticeItem, ...]


@dataclass(frozen=True, slots=True)
class ShipNotice(Envelope):
    """A shipment. ``operation`` is new, update or delete; ``is_return`` when goods go back.

    ``carriers`` are names where given, else codes; ``trackings`` the tracking numbers.
    """

    shipment_id: str
    operation: str
    is_return: bool
    notice_date: datetime | None
    shipment_date: datetime | None
    delivery_date: datetime | None
    carriers: tuple[str, ...]
    trackings: tuple[str, ...]
    portions: tuple[ShipNoticePortion, ...]


@dataclass(frozen=True, slots=True)
class StatusUpdate(Envelope):
    """What became of the document with that payload id; ``order_id`` is '' unless stated."""

    document_payload_id: str
    order_id: str
    status: Status


@dataclass(frozen=True, slots=True)
class Profile(Envelope):
    """The question what we understand; answered by ``build_profile_response``."""


Inbound = Confirmation | ShipNotice | StatusUpdate | Invoice | Profile


def read_inbound(data: bytes, *, max_bytes: int = MAX_BYTES) -> Inbound:
    """A request from a supplier.

    Raises Unreadable: 400 malformed or without a payload id, 450 a kind of request we don't take,
    406 and 413 as ``parse`` does.
    """
    root = parse(data, max_bytes=max_bytes)
    request = root.find("Request")
    if request is None:
        raise Unreadable(400, "リクエスト(Request)のない文書です。")
    if not attribute(root, "payloadID"):
        raise Unreadable(400, "文書にpayloadIDがありません。")
    for node in request:
        reader = _READERS.get(str(node.tag))
        if reader is not None:
            return reader(root, request, node)
    raise Unreadable(450, "この種類のリクエストには対応していません。")


def _read_confirmation(
    root: etree._Element, request: etree._Element, node: etree._Element
) -> Confirmation:
    header = node.find("ConfirmationHeader")
    if header is None:
        raise Unreadable(400, "注文確認にヘッダー(ConfirmationHeader)がありません。")
    order_id, order_payload_id = read_order_reference(node)
    comments = _read_comments(header)
    return Confirmation(
        **read_envelope(root, request),
        confirm_id=attribute(header, "confirmID"),
        type=attribute(header, "type"),
        operation=attribute(header, "operation") or "new",
        notice_date=read_date(header.get("noticeDate")),
        order_id=order_id,
        order_payload_id=order_payload_id,
        total=read_money(header.find("Total"), "注文確認の合計"),
        shipping=read_money(header.find("Shipping"), "注文確認の配送料"),
        tax=read_money(header.find("Tax"), "注文確認の消費税"),
        comments=comments,
        error_codes=_error_codes(comments),
        items=tuple(_read_confirmed(item) for item in node.iterchildren("ConfirmationItem")),
    )


def _read_confirmed(item: etree._Element) -> ConfirmationItem:
    """Where only one of line and status states a quantity, it serves for the other."""
    line_number = _required_line(item, "注文確認")
    quantity = read_number(item.get("quantity"), "注文確認の数量")
    statuses = tuple(
        _read_confirmation_status(status, quantity)
        for status in item.iterchildren("ConfirmationStatus")
    )
    if quantity is None:
        quantity = sum((status.quantity for status in statuses), Decimal(0))
    return ConfirmationItem(line_number, quantity, statuses)


def _read_confirmation_status(
    node: etree._Element, line_quantity: Decimal | None
) -> ConfirmationStatus:
    quantity = read_number(node.get("quantity"), "注文確認の数量")
    if quantity is None:
        quantity = line_quantity
    if quantity is None:
        raise Unreadable(400, "注文確認の明細に数量がありません。")
    replacement = node.find("ItemIn")
    source = node if replacement is None else replacement
    price = source.find("UnitPrice") if replacement is None else source.find("ItemDetail/UnitPrice")
    tax = read_tax(source.find("Tax"), "注文確認の消費税")
    comments = _read_comments(node)
    return ConfirmationStatus(
        quantity=quantity,
        type=attribute(node, "type"),
        delivery_date=read_date(node.get("deliveryDate")),
        shipment_date=read_date(node.get("shipmentDate")),
        unit_price=read_money(price, "注文確認の単価"),
        tax=tax.tax,
        tax_rate=tax.rate,
        shipping=read_money(source.find("Shipping"), "注文確認の配送料"),
        shipping_tax=tax.shipping_tax,
        comments=comments,
        error_codes=_error_codes(comments),
        part_id=text_of(at(replacement, "ItemID/SupplierPartID")),
        auxiliary_id=text_of(at(replacement, "ItemID/SupplierPartAuxiliaryID")),
    )


def _read_comments(holder: etree._Element) -> tuple[Comment, ...]:
    comments = (
        (attribute(node, "type"), text_of(node)) for node in holder.iterchildren("Comments")
    )
    return tuple(comment for comment in comments if comment[1])


def _error_codes(comments: tuple[Comment, ...]) -> tuple[str, ...]:
    """Codes such as 018-007, each once; outside of brackets only in comments typed as errors."""
    codes: list[str] = []
    for kind, text in comments:
        narrow = unicodedata.normalize("NFKC", text)
        found = _BRACKETED_CODE.findall(narrow)
        if not found and kind.lower().endswith("errorcode"):
            found = _BARE_CODE.findall(narrow)
        codes.extend(found)
    return tuple(dict.fromkeys(codes))


def _read_ship_notice(
    root: etree._Element, request: etree._Element, node: etree._Element
) -> ShipNotice:
    header = node.find("ShipNoticeHeader")
    shipment_id = attribute(header, "shipmentID")
    if header is None or not shipment_id:
        raise Unreadable(400, "出荷通知に出荷番号(shipmentID)がありません。")
    carriers: list[str] = []
    trackings: list[str] = []
    for control in node.iterchildren("ShipControl"):
        carriers.append(_read_carrier(control))
        trackings.extend(text_of(number) for number in control.iterchildren("ShipmentIdentifier"))
    return ShipNotice(
        **read_envelope(root, request),
        shipment_id=shipment_id,
        operation=attribute(header, "operation") or "new",
        is_return=attribute(header, "reason") == "return",
        notice_date=read_date(header.get("noticeDate")),
        shipment_date=read_date(header.get("shipmentDate")),
        delivery_date=read_date(header.get("deliveryDate")),
        carriers=tuple(dict.fromkeys(filter(None, carriers))),
        trackings=tuple(dict.fromkeys(filter(None, trackings))),
        portions=tuple(_read_portion(part) for part in node.iterchildren("ShipNoticePortion")),
    )


def _read_carrier(control: etree._Element) -> str:
    named = {
        attribute(node, "domain").lower(): text
        for node in control.iterchildren("CarrierIdentifier")
        if (text := text_of(node))
    }
    return named.get("companyname") or next(iter(named.values()), "")


def _read_portion(node: etree._Element) -> ShipNoticePortion:
    order_id, order_payload_id = read_order_reference(node)
    items = []
    for item in children(node, "ShipNoticeItem"):
        quantity = read_number(item.get("quantity"), "出荷通知の数量")
        if quantity is None:
            raise Unreadable(400, "出荷通知の明細に数量がありません。")
        items.append(ShipNoticeItem(_required_line(item, "出荷通知"), quantity))
    return ShipNoticePortion(order_id, order_payload_id, tuple(items))


def _required_line(item: etree._Element, message: str) -> int:
    line_number = read_line_number(item.get("lineNumber"))
    if line_number is None:
        raise Unreadable(400, f"{message}の明細に行番号(lineNumber)がありません。")
    return line_number


def _read_status_update(
    root: etree._Element, request: etree._Element, node: etree._Element
) -> StatusUpdate:
    return StatusUpdate(
        **read_envelope(root, request),
        document_payload_id=attribute(node.find("DocumentReference"), "payloadID"),
        order_id=read_order_reference(node)[0]
        or attribute(node.find("DocumentStatus/DocumentInfo"), "documentID"),
        status=read_status(node.find("Status")),
    )


def _read_profile(root: etree._Element, request: etree._Element, _node: etree._Element) -> Profile:
    return Profile(**read_envelope(root, request))


_READERS: Final[
    Mapping[str, Callable[[etree._Element, etree._Element, etree._Element], Inbound]]
] = {
    "ConfirmationRequest": _read_confirmation,
    "ShipNoticeRequest": _read_ship_notice,
    "StatusUpdateRequest": _read_status_update,
    "InvoiceDetailRequest": read_invoice,
    "ProfileRequest": _read_profile,
}
