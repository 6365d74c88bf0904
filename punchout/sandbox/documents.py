"""cXML documents the supplier writes: answers, carts, confirmations and ship notices."""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from lxml import etree

from punchout.sandbox.pricing import SHIPPING_RATE, Priced
from punchout.sandbox.products import Product

_DTD = "http://xml.cxml.org/schemas/cXML/1.2.024/{}.dtd"
_FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"


@dataclass(frozen=True, slots=True)
class CartLine:
    """One line of a cart on its way to the buyer."""

    auxiliary_id: str
    product: Product
    priced: Priced


@dataclass(frozen=True, slots=True)
class ConfirmedLine:
    """What became of one order line, in units; the amounts are those of the accepted ones."""

    line_number: int
    ordered: int
    accepted: int
    backordered: int
    rejected: int
    priced: Priced
    price_changed: bool


@dataclass(frozen=True, slots=True)
class Reference:
    """The order a message of ours speaks of, and to whom."""

    buyer_identity: str
    order_number: str
    payload_id: str
    test_mode: bool


def moment(at: float | None = None) -> str:
    """Return an instant the way the supplier writes it: milliseconds and Z."""
    instant = datetime.now(UTC) if at is None else datetime.fromtimestamp(at, UTC)
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def new_payload_id() -> str:
    """Return a payload id nobody used before."""
    stamp = datetime.now(UTC).strftime("%Y%m%d%H%M%S%f")
    return f"{stamp}.{secrets.token_hex(6)}@sandbox.midori.example"


def status(code: int, text: str, message: str = "") -> bytes:
    """Return a Response that carries a Status only."""
    root = _envelope()
    element = _add(_add(root, "Response"), "Status", message or text, code=str(code), text=text)
    element.set(_LANGUAGE, "en-US")
    return _serialize(root, "cXML")


def setup_response(start_page: str) -> bytes:
    """Return the answer to a PunchOutSetupRequest."""
    root = _envelope()
    response = _add(root, "Response")
    _add(response, "Status", code="200", text="OK")
    page = _add(_add(response, "PunchOutSetupResponse"), "StartPage")
    _add(page, "URL", start_page)
    return _serialize(root, "cXML")


def cart(
    *,
    buyer_identity: str,
    buyer_cookie: str,
    lines: Iterable[CartLine],
    detail_url: str,
    test_mode: bool = False,
    fault: str = "",
) -> bytes:
    """Return the PunchOutOrderMessage; without lines it is the empty cart of a sign-out.

    `fault` is one of the `cart_fault` settings: a cart as it should never come.
    """
    lines = list(lines)
    currency = "USD" if fault == "foreign_currency" else "JPY"

    def yen(parent: etree._Element, amount: int, *, suffix: str = ".00") -> None:
        text = f"{amount}{suffix}"
        if fault == "full_width":
            text = text.translate(_FULL_WIDTH)
        _add(parent, "Money", text, currency=currency)

    root = _envelope()
    _header(root, buyer_identity)
    message = _add(root, "Message")
    if test_mode:
        message.set("deploymentMode", "test")
    order = _add(message, "PunchOutOrderMessage")
    _add(order, "BuyerCookie", buyer_cookie)
    header = _add(
        order, "PunchOutOrderMessageHeader", operationAllowed="create", quoteStatus="final"
    )
    total = sum(line.priced.subtotal for line in lines)
    yen(_add(header, "Total"), total + (1 if fault == "header_mismatch" else 0))
    if lines:
        shipping = _add(header, "Shipping")
        yen(shipping, sum(line.priced.shipping for line in lines))
        _text(shipping, "Description", "配送料および手数料")
        tax = _add(header, "Tax")
        yen(tax, sum(_cart_tax(line, fault) for line in lines))
        _text(tax, "Description", "消費税")

    for line in lines:
        item = _add(order, "ItemIn", quantity=str(line.priced.quantity))
        item_id = _add(item, "ItemID")
        _add(item_id, "SupplierPartID", line.product.asin)
        _add(item_id, "SupplierPartAuxiliaryID", line.auxiliary_id)
        detail = _add(item, "ItemDetail")
        suffix = ".50" if fault == "fractional_yen" else ".00"
        yen(_add(detail, "UnitPrice"), line.priced.unit_price, suffix=suffix)
        _text(detail, "Description", line.product.full_description)
        _add(detail, "UnitOfMeasure", "EA")
        _add(detail, "Classification", line.product.unspsc, domain="UNSPSC")
        _add(detail, "ManufacturerPartID", line.product.model_number)
        _add(detail, "ManufacturerName", line.product.maker)
        for name, value in line.product.extrinsics(detail_url).items():
            _add(detail, "Extrinsic", value, name=name)
        shipping = _add(item, "Shipping")
        yen(shipping, line.priced.shipping)
        _text(shipping, "Description", "配送料および手数料")
        tax = _add(item, "Tax")
        yen(tax, _cart_tax(line, fault))
        _text(tax, "Description", "消費税")
        rate = 7 if fault == "unknown_rate" else line.priced.rate
        if rate or line.product.states_zero_rate:
            part = _tax_detail(tax, rate, "subtotalTax")
            yen(_add(part, "TaxAmount"), _cart_goods_tax(line, fault))
        if line.priced.shipping:
            part = _tax_detail(tax, SHIPPING_RATE, "shippingTax")
            yen(_add(part, "TaxAmount"), line.priced.shipping_tax)
    return _serialize(root, "cXML")


def confirmation(
    reference: Reference,
    *,
    confirm_id: str,
    lines: Iterable[ConfirmedLine],
    payload_id: str,
    update: bool = False,
) -> bytes:
    """Return the ConfirmationRequest of one supplier order; Total includes tax and shipping."""
    lines = list(lines)
    root = _envelope(payload_id)
    _header(root, reference.buyer_identity)
    request = _add(_request(root, reference), "ConfirmationRequest")
    header = _add(
        request,
        "ConfirmationHeader",
        type="detail",
        noticeDate=moment(),
        confirmID=confirm_id,
        operation="update" if update else "new",
    )
    _yen(_add(header, "Total"), sum(line.priced.payable for line in lines))
    shipping = _add(header, "Shipping")
    _yen(shipping, sum(line.priced.shipping for line in lines))
    _text(shipping, "Description", "配送料および手数料")
    tax = _add(header, "Tax")
    _yen(tax, sum(line.priced.tax for line in lines))
    _text(tax, "Description", "消費税")
    _order_reference(request, reference)
    for line in lines:
        item = _confirmation_item(request, line.line_number, str(line.ordered))
        if line.accepted:
            kind = "detail" if line.price_changed else "accept"
            part = _confirmation_status(item, str(line.accepted), kind)
            if line.price_changed:
                _yen(_add(part, "UnitPrice"), line.priced.unit_price)
            _confirmed_tax(part, line.priced)
            shipping = _add(part, "Shipping")
            _yen(shipping, line.priced.shipping)
            _text(shipping, "Description", "配送料および手数料")
        if line.backordered:
            _confirmation_status(item, str(line.backordered), "backordered")
        if line.rejected:
            part = _confirmation_status(item, str(line.rejected), "reject")
            _comment(part, "LineItemErrorCode", "015-005")
    return _serialize(root, "Fulfill")


def rejection(
    reference: Reference,
    *,
    codes: Iterable[str],
    lines: Mapping[int, str],
    payload_id: str,
) -> bytes:
    """Return the ConfirmationRequest that refuses lines (number -> ordered quantity).

    It has neither confirmID nor Total; the reasons stand in one comment, joined by ` || `.
    """
    codes = list(codes)
    root = _envelope(payload_id)
    _header(root, reference.buyer_identity)
    request = _add(_request(root, reference), "ConfirmationRequest")
    header = _add(request, "ConfirmationHeader", type="reject", noticeDate=moment())
    reasons = " || ".join(
        f"{ERRORS.get(code, ERRORS['001-012'])} [エラーコード: {code}]" for code in codes
    )
    _comment(header, "OrderErrorCode", reasons)
    _order_reference(request, reference)
    for number, quantity in lines.items():
        item = _confirmation_item(request, number, quantity)
        part = _confirmation_status(item, quantity, "reject")
        _comment(part, "LineItemErrorCode", codes[0])
    return _serialize(root, "Fulfill")


def ship_notice(
    reference: Reference,
    *,
    shipment_id: str,
    shipped_at: float,
    carrier: str,
    tracking: str,
    items: Mapping[int, int],
    payload_id: str,
) -> bytes:
    """Return the ShipNoticeRequest of one shipment; `items` is line number -> quantity."""
    root = _envelope(payload_id)
    _header(root, reference.buyer_identity)
    request = _add(_request(root, reference), "ShipNoticeRequest")
    _add(
        request,
        "ShipNoticeHeader",
        shipmentID=shipment_id,
        operation="new",
        noticeDate=moment(),
        shipmentDate=moment(shipped_at),
        deliveryDate=moment(shipped_at + timedelta(days=1).total_seconds()),
    )
    control = _add(request, "ShipControl")
    _add(control, "CarrierIdentifier", carrier, domain="companyName")
    _add(control, "ShipmentIdentifier", tracking)
    portion = _add(request, "ShipNoticePortion")
    _order_reference(portion, reference)
    for number, quantity in items.items():
        item = _add(portion, "ShipNoticeItem", quantity=str(quantity), lineNumber=str(number))
        _add(item, "UnitOfMeasure", "EA")
    return _serialize(root, "Fulfill")


ERRORS = {
    "001-001": "注文の変更・編集には対応していません。",
    "001-012": "注文がキャンセルされたか、商品を注文できませんでした。",
    "015-005": "商品の在庫がありません。",
    "018-007": "注文の数量がカートの数量と一致しません。",
}


def _cart_goods_tax(line: CartLine, fault: str) -> int:
    if fault == "unknown_rate":
        priced = line.priced
        return Priced(priced.unit_price, priced.quantity, 7).subtotal_tax
    return line.priced.subtotal_tax


def _cart_tax(line: CartLine, fault: str) -> int:
    return _cart_goods_tax(line, fault) + line.priced.shipping_tax


def _confirmed_tax(parent: etree._Element, priced: Priced) -> None:
    tax = _add(parent, "Tax")
    _yen(tax, priced.tax)
    _text(tax, "Description", "消費税")
    if priced.rate:
        part = _tax_detail(tax, priced.rate, "subtotalTax")
        _yen(_add(part, "TaxAmount"), priced.subtotal_tax)
    if priced.shipping:
        part = _tax_detail(tax, SHIPPING_RATE, "shippingTax")
        _yen(_add(part, "TaxAmount"), priced.shipping_tax)


def _envelope(payload_id: str | None = None) -> etree._Element:
    root = etree.Element("cXML")
    root.set("payloadID", payload_id or new_payload_id())
    root.set("timestamp", moment())
    root.set("version", "1.2.024")
    root.set(_LANGUAGE, "ja-JP")
    return root


def _header(root: etree._Element, buyer_identity: str) -> None:
    header = _add(root, "Header")
    for role, identity in (("From", "Amazon"), ("To", buyer_identity), ("Sender", "Amazon")):
        credential = _add(_add(header, role), "Credential", domain="NetworkId")
        _add(credential, "Identity", identity)
    _add(header[-1], "UserAgent", "Midori Shoten eProcurement 1.0")


def _request(root: etree._Element, reference: Reference) -> etree._Element:
    mode = "test" if reference.test_mode else "production"
    return _add(root, "Request", deploymentMode=mode)


def _order_reference(parent: etree._Element, reference: Reference) -> None:
    element = _add(parent, "OrderReference", orderID=reference.order_number)
    _add(element, "DocumentReference", payloadID=reference.payload_id)


def _confirmation_item(parent: etree._Element, number: int, quantity: str) -> etree._Element:
    item = _add(parent, "ConfirmationItem", quantity=quantity, lineNumber=str(number))
    _add(item, "UnitOfMeasure", "EA")
    return item


def _confirmation_status(parent: etree._Element, quantity: str, kind: str) -> etree._Element:
    element = _add(parent, "ConfirmationStatus", quantity=quantity, type=kind)
    _add(element, "UnitOfMeasure", "EA")
    return element


def _tax_detail(tax: etree._Element, rate: int, purpose: str) -> etree._Element:
    return _add(tax, "TaxDetail", category="vat", percentageRate=f"{rate}.00", purpose=purpose)


def _yen(parent: etree._Element, amount: int) -> None:
    _add(parent, "Money", f"{amount}.00", currency="JPY")


def _comment(parent: etree._Element, kind: str, text: str) -> None:
    _text(parent, "Comments", text).set("type", kind)


def _text(parent: etree._Element, tag: str, text: str) -> etree._Element:
    element = _add(parent, tag, text)
    element.set(_LANGUAGE, "ja-JP")
    return element


def _add(
    parent: etree._Element, tag: str, content: str = "", /, **attributes: str
) -> etree._Element:
    element = etree.SubElement(parent, tag, attributes)
    element.text = content or None
    return element


def _serialize(root: etree._Element, dtd: str) -> bytes:
    doctype = f'<!DOCTYPE cXML SYSTEM "{_DTD.format(dtd)}">'
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", doctype=doctype)
