"""PunchOutOrderMessage: the cart, as the browser posts it."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from urllib.parse import unquote

from lxml import etree

from .envelope import Envelope, read_envelope
from .response import Status, read_status
from .tax import NO_TAX, read_tax
from .values import Credential, Money, read_line_number, read_money, read_number
from .xml import MAX_BYTES, XML_LANG, Unreadable, attribute, parse, text_of, visible

MAX_LINES: Final = 5_000
_ONE: Final = Decimal(1)
_XML_DECLARATION: Final = re.compile(r"\A<\?xml\s[^>]{0,300}\?>")
_LINE_BREAKS: Final = str.maketrans("", "", "\r\n\t")
_MARKUP_BEGINS: Final = "\ufeff\u200b \t\r\n"


@dataclass(frozen=True, slots=True)
class CartItem:
    """One ItemIn. Prices exclude or include tax as the connection says: here they are as stated.

    ``tax_rate`` and ``shipping_tax_rate`` are percent. ``tax`` is the tax on the goods alone.
    ``price_basis`` is how many ordered units the unit price pays for (1 unless the supplier states
    a PriceBasisQuantity). ``xml`` is the ItemIn as received; the order is built from it.
    """

    line_number: int
    quantity: Decimal
    part_id: str
    auxiliary_id: str
    unit_price: Money
    price_basis: Decimal
    description: str
    unit_of_measure: str
    classification: str
    manufacturer_part_id: str
    manufacturer_name: str
    url: str
    tax: Money | None
    tax_rate: Decimal | None
    shipping: Money | None
    shipping_tax: Money | None
    shipping_tax_rate: Decimal | None
    extrinsics: dict[str, str]
    xml: str


@dataclass(frozen=True, slots=True)
class Cart(Envelope):
    """A cart; without items the session ended. Header amounts are as stated, None when absent.

    ``tax`` is the whole tax of the cart, ``shipping_tax`` the part of it that the header names as
    tax on shipping. ``status`` is what a Message may carry (204: ended, nothing changed).
    """

    buyer_cookie: str
    status: Status | None
    total: Money
    shipping: Money | None
    tax: Money | None
    shipping_tax: Money | None
    shipping_tax_rate: Decimal | None
    items: tuple[CartItem, ...]

    @property
    def identities(self) -> tuple[Credential, ...]:
        """Who sent it: the credentials of From."""
        return self.from_


def cart_from_form(fields: Mapping[str, str]) -> bytes:
    """The cXML inside a browser's form post; field names in any case, base64 before urlencoded.

    A base64 field keeps the document's own encoding; line breaks, a lost padding and ``+`` turned
    into a blank are mended. An urlencoded field has become text on the way: its XML declaration no
    longer tells the truth and is dropped. Raises Unreadable when there is neither.
    """
    named = {name.strip().lower(): value for name, value in fields.items()}
    encoded = named.get("cxml-base64", "")
    text = named.get("cxml-urlencoded", "").strip(_MARKUP_BEGINS)
    if encoded.strip():
        try:
            return _from_base64(encoded)
        except (binascii.Error, ValueError):
            if not text:
                raise Unreadable(400, "カートのデータ(base64)を復元できませんでした。") from None
    if not text:
        raise Unreadable(400, "カートのデータ(cXML)がありません。")
    if text[:3].upper() == "%3C":
        text = unquote(text).strip(_MARKUP_BEGINS)
    return _XML_DECLARATION.sub("", text).encode("utf-8", "replace")


def _from_base64(encoded: str) -> bytes:
    joined = encoded.translate(_LINE_BREAKS).lstrip()
    compact = joined.rstrip()
    while len(compact) % 4 and len(compact) < len(joined) and not compact.endswith("="):
        compact += "+"  # the blank at the very end had been one too
    compact = compact.replace(" ", "+").replace("-", "+").replace("_", "/").rstrip("=")
    return base64.b64decode(compact + "=" * (-len(compact) % 4), validate=True)


def read_cart(data: bytes, *, max_bytes: int = MAX_BYTES) -> Cart:
    """The cart in a PunchOutOrderMessage.

    Line numbers are the supplier's when every line has one of its own, else 1..n. Raises
    Unreadable for what is no cart, and for numbers that can't be read; whether the amounts add up
    and are yen is for the caller to check.
    """
    root = parse(data, max_bytes=max_bytes)
    message = root.find("Message")
    if message is None:
        raise Unreadable(400, "カートのメッセージ(PunchOutOrderMessage)ではありません。")
    stated = message.find("Status")
    status = None if stated is None else read_status(stated)
    body = message.find("PunchOutOrderMessage")
    if body is None and status is None:
        raise Unreadable(400, "カートのメッセージ(PunchOutOrderMessage)ではありません。")
    header = None if body is None else body.find("PunchOutOrderMessageHeader")
    items = _read_items([] if body is None else body.findall("ItemIn"))
    total = None if header is None else read_money(header.find("Total"), "カートの合計")
    if total is None:
        if items:
            raise Unreadable(400, "カートに合計金額がありません。")
        total = Money(Decimal(0), "")
    tax_node = None if header is None else header.find("Tax")
    tax = read_tax(tax_node, "カートの消費税")
    return Cart(
        **read_envelope(root, message),
        buyer_cookie="" if body is None else text_of(body.find("BuyerCookie")),
        status=status,
        total=total,
        shipping=None if header is None else read_money(header.find("Shipping"), "カートの配送料"),
        tax=read_money(tax_node, "カートの消費税") or tax.tax,
        shipping_tax=tax.shipping_tax,
        shipping_tax_rate=tax.shipping_rate,
        items=items,
    )


def _read_items(nodes: list[etree._Element]) -> tuple[CartItem, ...]:
    if len(nodes) > MAX_LINES:
        raise Unreadable(413, f"カートの明細が多すぎます(上限 {MAX_LINES:,} 行)。")
    stated = [read_line_number(node.get("lineNumber")) for node in nodes]
    usable = None not in stated and len(set(stated)) == len(stated)
    return tuple(
        _read_item(node, number if usable and number else position, f"{position}行目の")
        for position, (node, number) in enumerate(zip(nodes, stated, strict=True), 1)
    )


def _read_item(node: etree._Element, line_number: int, line: str) -> CartItem:
    parts = {child.tag: child for child in reversed(node)}
    item_id, detail = parts.get("ItemID"), parts.get("ItemDetail")
    part_id = "" if item_id is None else text_of(item_id.find("SupplierPartID"))
    if item_id is None or not part_id:
        raise Unreadable(400, f"{line}商品コード(SupplierPartID)がありません。")
    quantity = read_number(node.get("quantity"), f"{line}数量")
    if quantity is None:
        raise Unreadable(400, f"{line}数量がありません。")
    details: dict[object, list[etree._Element]] = {}
    for child in () if detail is None else detail:
        details.setdefault(child.tag, []).append(child)

    def text(name: str) -> str:
        return text_of(details[name][0]) if name in details else ""

    unit_price = read_money(next(iter(details.get("UnitPrice", ())), None), f"{line}単価")
    if unit_price is None:
        raise Unreadable(400, f"{line}単価がありません。")
    extrinsics: dict[str, str] = {}
    for extrinsic in (*details.get("Extrinsic", ()), *node.iterchildren("Extrinsic")):
        extrinsics.setdefault(attribute(extrinsic, "name"), text_of(extrinsic))
    tax = read_tax(parts["Tax"], f"{line}消費税") if "Tax" in parts else NO_TAX
    basis = next(iter(details.get("PriceBasisQuantity", ())), None)
    return CartItem(
        line_number=line_number,
        quantity=quantity,
        part_id=part_id,
        auxiliary_id=text_of(item_id.find("SupplierPartAuxiliaryID")),
        unit_price=unit_price,
        price_basis=_ONE if basis is None else _read_basis(basis, line),
        description=_read_description(details.get("Description", [])),
        unit_of_measure=text("UnitOfMeasure"),
        classification=_read_classification(details.get("Classification", [])),
        manufacturer_part_id=text("ManufacturerPartID"),
        manufacturer_name=text("ManufacturerName"),
        url=_web_address(text("URL")) or _web_address(extrinsics.get("detailPageURL", "")),
        tax=tax.tax,
        tax_rate=tax.rate,
        shipping=read_money(parts.get("Shipping"), f"{line}配送料"),
        shipping_tax=tax.shipping_tax,
        shipping_tax_rate=tax.shipping_rate,
        extrinsics=extrinsics,
        xml=etree.tostring(node, encoding="unicode", with_tail=False),
    )


def _read_basis(node: etree._Element, line: str) -> Decimal:
    quantity = read_number(node.get("quantity"), f"{line}価格の基準数量")
    factor = read_number(node.get("conversionFactor"), f"{line}価格の換算係数")
    if quantity is None or quantity <= 0 or (factor is not None and factor <= 0):
        return _ONE
    return quantity / (factor or _ONE)


def _read_description(nodes: list[etree._Element]) -> str:
    """The Japanese one, else the first that says anything; its short name if it has no more."""
    japanese = [node for node in nodes if (node.get(XML_LANG) or "").lower().startswith("ja")]
    for node in (*japanese, *nodes):
        short = node.find("ShortName")
        if short is None:
            text = text_of(node)
        else:
            parts = [node.text, *(child.tail for child in node)]
            text = visible("".join(part or "" for part in parts)) or text_of(short)
        if text:
            return text
    return ""


def _read_classification(nodes: list[etree._Element]) -> str:
    """The UNSPSC code, else the first of another scheme; '' occurs."""
    unspsc = [node for node in nodes if attribute(node, "domain").upper() == "UNSPSC"]
    return next((text for node in (*unspsc, *nodes) if (text := text_of(node))), "")


def _web_address(url: str) -> str:
    """Only http(s): the address becomes a link on our pages."""
    url = "".join(url.split())
    return url if url.lower().startswith(("https://", "http://")) else ""
