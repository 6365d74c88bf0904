"""cXML messages as suppliers send them, made for tests, and where the official DTDs are."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import pytest
from lxml import etree

from punchout.cxml import (
    Address,
    Credential,
    Order,
    OrderItem,
    Parties,
    SetupRequest,
    Unreadable,
    read_cart,
)

DOCTYPE_1_2_024 = '<!DOCTYPE cXML SYSTEM "http://xml.cxml.org/schemas/cXML/1.2.024/cXML.dtd">'
NOON = datetime(2026, 4, 1, 3, 0, tzinfo=UTC)
BUYER = Credential("NetworkId", "Rakuraku1234567")
SUPPLIER = Credential("NetworkId", "Amazon")
PARTIES = Parties(BUYER, SUPPLIER, BUYER, "Rakuraku")


def reference_directory() -> Path:
    """The folder with ``dtd/`` and ``samples/``; skips the test without it, fails under CI."""
    stated = os.environ.get("CXML_REFERENCE_DIR")
    beside = Path(__file__).resolve().parents[2] / "shared" / "cxml"
    directory = Path(stated) if stated else beside
    if not (directory / "dtd").is_dir():
        reason = "no cXML reference data: set CXML_REFERENCE_DIR, or put shared/cxml beside this"
        if os.environ.get("CI", "").lower() in ("1", "true"):
            pytest.fail(reason)
        pytest.skip(reason)
    return directory


@dataclass
class Line:
    """A cart line in the supplier's terms; amounts in yen, excluding tax."""

    part_id: str = "B08N5WRWNW"
    auxiliary_id: str = "358-1234567-1234567,1"
    quantity: int = 2
    unit_price: int = 1280
    rate: str = "10.00"
    shipping: int = 0
    description: str = "コクヨ  キャンパスノート  A4 B罫 40枚 10冊パック"
    extrinsics: dict[str, str] = field(
        default_factory=lambda: {
            "soldBy": "アマゾンジャパン合同会社",
            "fulfilledBy": "Amazon",
            "category": "OFFICE_PRODUCTS",
            "subCategory": "NOTEBOOK",
            "itemCondition": "New",
            "itemTaxable": "false",
            "detailPageURL": "https://www.amazon.co.jp/dp/B08N5WRWNW?a=1&b=2",
            "UPC": "4901480270012",
        }
    )

    @property
    def tax(self) -> int:
        return _tax(self.unit_price * self.quantity, self.rate)

    @property
    def shipping_tax(self) -> int:
        return _tax(self.shipping, self.rate)


CART_LINES = [
    Line(shipping=500),
    Line(part_id="B000FOOD01", auxiliary_id="358-1234567-7654321,2", rate="8.00", quantity=7),
    Line(part_id="B000BOOK00", auxiliary_id='a&b<c>"d', rate="0.00", unit_price=0),
]


def _tax(amount: int, rate: str) -> int:
    return int((amount * Decimal(rate) / 100).quantize(Decimal(1), ROUND_HALF_UP))


def _money(amount: int) -> str:
    return f'<Money currency="JPY">{amount}.00</Money>'


def _tax_detail(purpose: str, rate: str, amount: int) -> str:
    return (
        f'<TaxDetail category="vat" percentageRate="{rate}" purpose="{purpose}">'
        f"<TaxAmount>{_money(amount)}</TaxAmount></TaxDetail>"
    )


def item_in(line: Line) -> str:
    """An ItemIn in the shape of Amazon's: no lineNumber, tax and shipping on the line."""
    shipping = shipping_tax = ""
    if line.shipping:
        shipping = (
            f'<Shipping>{_money(line.shipping)}<Description xml:lang="ja-JP">配送料</Description>'
            "</Shipping>"
        )
        shipping_tax = _tax_detail("shippingTax", line.rate, line.shipping_tax)
    extrinsics = "".join(
        f"<Extrinsic name={quoteattr(name)}>{escape(value)}</Extrinsic>"
        for name, value in line.extrinsics.items()
    )
    return f"""<ItemIn quantity="{line.quantity}">
  <ItemID><SupplierPartID>{escape(line.part_id)}</SupplierPartID>\
<SupplierPartAuxiliaryID>{escape(line.auxiliary_id)}</SupplierPartAuxiliaryID></ItemID>
  <ItemDetail><UnitPrice>{_money(line.unit_price)}</UnitPrice>
    <Description xml:lang="ja-JP">{escape(line.description)}</Description>
    <UnitOfMeasure>EA</UnitOfMeasure><Classification domain="UNSPSC">14111514</Classification>
    <ManufacturerPartID>ﾉ-836BN</ManufacturerPartID>\
<ManufacturerName>コクヨ</ManufacturerName>{extrinsics}</ItemDetail>
  {shipping}<Tax>{_money(line.tax + line.shipping_tax)}\
<Description xml:lang="ja-JP">税</Description>\
{_tax_detail("subtotalTax", line.rate, line.tax)}{shipping_tax}</Tax>
</ItemIn>"""


@cache
def official_dtd() -> etree.DTD:
    """cXML 1.2.071 as published."""
    return etree.DTD(str(reference_directory() / "dtd" / "1.2.071" / "cXML.dtd"))


def valid(document: bytes) -> etree._Element:
    """The root of a document that the official DTD accepts; fails the test otherwise."""
    root = etree.fromstring(document)
    dtd = official_dtd()
    assert dtd.validate(root), dtd.error_log.last_error
    return root


def message(body: str, *, payload_id: str = "cart-1@amazon.co.jp") -> bytes:
    """A Message from the supplier around any body."""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
{DOCTYPE_1_2_024}
<cXML payloadID="{payload_id}" timestamp="2026-04-01T03:00:00.123Z" version="1.2.024">
<Header>
  <From><Credential domain="DUNS"><Identity>1234</Identity></Credential>\
<Credential domain="NetworkID"><Identity>
    Amazon\u200b
  </Identity></Credential></From>
  <To><Credential domain="NetworkId"><Identity>Rakuraku1234567</Identity></Credential></To>
  <Sender><Credential domain="NetworkId"><Identity>Amazon</Identity></Credential>\
<UserAgent>Amazon LLC eProcurement Application</UserAgent></Sender>
</Header>
<Message>{body}</Message>
</cXML>""".encode()


def cart(lines: Iterable[Line], *, buyer_cookie: str = "cookie-1") -> bytes:
    """A PunchOutOrderMessage whose header adds up with its lines; no lines: the session ended."""
    lines = tuple(lines)
    shipping = sum(line.shipping for line in lines)
    tax = sum(line.tax + line.shipping_tax for line in lines)
    header = f"<Total>{_money(sum(line.unit_price * line.quantity for line in lines))}</Total>"
    if lines:
        header += f"""<Shipping>{_money(shipping)}<Description xml:lang="ja">配送料</Description>\
</Shipping><Tax>{_money(tax)}<Description xml:lang="ja">税</Description></Tax>"""
    return message(
        f"<PunchOutOrderMessage><BuyerCookie>\n {escape(buyer_cookie)}\n</BuyerCookie>"
        f'<PunchOutOrderMessageHeader operationAllowed="create">{header}'
        f"</PunchOutOrderMessageHeader>{''.join(item_in(line) for line in lines)}"
        "</PunchOutOrderMessage>"
    )


def request(body: str, *, payload_id: str = "msg-1@amazon.co.jp") -> bytes:
    """A Request from the supplier around any body; without a secret, as Amazon's are."""
    return (
        message("", payload_id=payload_id)
        .decode()
        .replace("<Message></Message>", f'<Request deploymentMode="production">{body}</Request>')
        .encode()
    )


def confirmation(
    items: str,
    *,
    confirm_id: str = 'confirmID="249-1234567-1234567"',
    kind: str = "detail",
    header: str = "",
) -> bytes:
    """A ConfirmationRequest about order PO-1."""
    return request(
        f'<ConfirmationRequest><ConfirmationHeader {confirm_id} type="{kind}" operation="new"'
        f' noticeDate="2026-04-01T12:30:00+13:04">{header}</ConfirmationHeader>'
        '<OrderReference orderID="PO-1"><DocumentReference payloadID="po-1@example.jp"/>'
        f"</OrderReference>{items}</ConfirmationRequest>"
    )


def address(**changes: str) -> Address:
    fields = {"name": "株式会社 楽々商事", "city": "目黒区", "state": "東京都"} | changes
    return Address(
        deliver_to=("経理部", "山田 花子"),
        street=("下目黒1-8-1 アルコタワー", "楽々商事 経理部"),
        postal_code="153-0064",
        email="hanako@example.jp",
        phone="03-1234-5678",
        **fields,
    )


def setup_request(**changes: object) -> SetupRequest:
    fields: dict[str, object] = {
        "parties": PARTIES,
        "payload_id": "setup-1@example.jp",
        "timestamp": NOON,
        "deployment_mode": "test",
        "buyer_cookie": "cookie-1",
        "return_url": "https://example.jp/punchout/return?a=1&b=2",
        "user_email": "hanako@example.jp",
        "first_name": "花子",
        "last_name": "山田",
        "unique_name": "E0001",
        "ship_to": address(),
    }
    return SetupRequest(**(fields | changes))  # type: ignore[arg-type]


def order(items: Iterable[OrderItem], **changes: object) -> Order:
    fields: dict[str, object] = {
        "parties": PARTIES,
        "payload_id": "po-1@example.jp",
        "timestamp": NOON,
        "deployment_mode": "production",
        "order_id": "PO-1",
        "order_date": NOON,
        "total_yen": 3_300,
        "tax_yen": 300,
        "shipping_yen": 500,
        "shipping_tax_yen": 50,
        "ship_to": address(),
        "bill_to": address(),
        "contact_name": "山田 花子",
        "contact_email": "hanako@example.jp",
        "items": tuple(items),
    }
    return Order(**(fields | changes))  # type: ignore[arg-type]


def order_items(cart_document: bytes) -> tuple[OrderItem, ...]:
    """What the product makes of a cart's lines."""
    return tuple(
        OrderItem(
            line_number=position,
            quantity=int(item.quantity),
            item_in_xml=item.xml,
            unit_price=item.unit_price.amount,
            currency=item.unit_price.currency or "JPY",
            tax_yen=None if item.tax is None else item.tax.yen(),
            tax_rate=item.tax_rate,
        )
        for position, item in enumerate(read_cart(cart_document).items, 1)
    )


def setup_response(url: str) -> bytes:
    """The answer to a setup request, with the status behind the page."""
    page = f"<PunchOutSetupResponse><StartPage><URL>{url}</URL></StartPage></PunchOutSetupResponse>"
    return f'<cXML><Response>{page}<Status code="200"/></Response></cXML>'.encode()


def refusal(data: bytes, reader: Callable[[bytes], object]) -> Unreadable:
    """What the reader says against the document; fails the test if it reads it."""
    with pytest.raises(Unreadable) as caught:
        reader(data)
    return caught.value
