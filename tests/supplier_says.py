"""What a supplier posts to us about an order, built by hand and sent as it would send it."""

import itertools
from xml.sax.saxutils import quoteattr

from cxml_documents import Line, request
from django.test import Client
from shopping import bring_back, connect, go_shopping
from world import World

from expenses import approval, lifecycle
from punchout import carts
from punchout.models import CatalogConnection, PurchaseOrder

_ids = itertools.count(1)


def ordered(world: World, *goods: Line, **connection) -> PurchaseOrder:
    """An approved request's order; ten pens at ¥100 and two notebooks at ¥1,000, unless given."""
    goods = goods or (
        Line(part_id="PEN", auxiliary_id="1", quantity=10, unit_price=100),
        Line(part_id="NOTE", auxiliary_id="2", quantity=2, unit_price=1000),
    )
    link = CatalogConnection.objects.first() or connect(world, **connection)
    session = go_shopping(world, link, world.draft())
    bring_back(session, *goods)
    carts.apply(session, by=world.people["applicant"])
    voucher = lifecycle.submit(session.voucher, by=world.people["applicant"])
    approval.approve(voucher, by=world.people["manager"])
    approval.approve(voucher, by=world.people["director"])
    return voucher.purchase_orders.get()


def post(order: PurchaseOrder, document: bytes) -> str:
    """The supplier's POST; returns our cXML answer."""
    url = f"/punchout/cxml/{order.connection.inbound_token}"
    response = Client(enforce_csrf_checks=True).post(url, document, content_type="text/xml")
    assert response.status_code == 200
    order.refresh_from_db()
    return response.content.decode()


def _payload(given: str) -> str:
    return given or f"message-{next(_ids)}@shop"


def _reference(order: PurchaseOrder) -> str:
    return (
        f'<OrderReference orderID="{order.number}">'
        f'<DocumentReference payloadID="{order.payload_id}"/></OrderReference>'
    )


def _money(yen: int) -> str:
    return f'<Money currency="JPY">{yen}.00</Money>'


def status(
    quantity: object,
    kind: str = "detail",
    *,
    price: int | None = None,
    tax: int | None = None,
    shipping: int | None = None,
    instead: str = "",
) -> str:
    """A ConfirmationStatus; amounts in yen, excluding tax."""
    inner = "<UnitOfMeasure>EA</UnitOfMeasure>"
    stated = ""
    if price is not None and not instead:
        stated += f"<UnitPrice>{_money(price)}</UnitPrice>"
    if tax is not None:
        stated += f'<Tax>{_money(tax)}<Description xml:lang="ja">税</Description></Tax>'
    if shipping is not None:
        text = '<Description xml:lang="ja">配送料</Description>'
        stated += f"<Shipping>{_money(shipping)}{text}</Shipping>"
    if instead:
        stated = (
            f'<ItemIn quantity="{quantity}"><ItemID><SupplierPartID>{instead}</SupplierPartID>'
            f"</ItemID><ItemDetail><UnitPrice>{_money(price or 0)}</UnitPrice>"
            '<Description xml:lang="ja">代替品</Description><UnitOfMeasure>EA</UnitOfMeasure>'
            '<Classification domain="UNSPSC">1</Classification></ItemDetail></ItemIn>'
        )
    return f'<ConfirmationStatus quantity="{quantity}" type="{kind}">{inner}{stated}' + (
        "</ConfirmationStatus>"
    )


def confirms(
    order: PurchaseOrder,
    lines: dict[int, str],
    *,
    confirm_id: str = "249-1",
    kind: str = "detail",
    operation: str = "new",
    payload_id: str = "",
    header: str = "",
    on: str = "2026-04-02",
) -> bytes:
    """A ConfirmationRequest; ``lines`` gives each line number its statuses."""
    items = "".join(
        f'<ConfirmationItem lineNumber="{number}" quantity="{_total(statuses)}">'
        f"<UnitOfMeasure>EA</UnitOfMeasure>{statuses}</ConfirmationItem>"
        for number, statuses in lines.items()
    )
    confirm = f"confirmID={quoteattr(confirm_id)} " if confirm_id else ""
    return request(
        f'<ConfirmationRequest><ConfirmationHeader {confirm}type="{kind}"'
        f' operation="{operation}" noticeDate="{on}T00:00:00Z">{header}</ConfirmationHeader>'
        f"{_reference(order)}{items}</ConfirmationRequest>",
        payload_id=_payload(payload_id),
    )


def _total(statuses: str) -> str:
    return statuses.partition('quantity="')[2].partition('"')[0]


def ships(
    order: PurchaseOrder,
    lines: dict[int, object],
    *,
    shipment_id: str = "S1",
    operation: str = "new",
    reason: str = "",
    payload_id: str = "",
    on: str = "2026-04-03",
) -> bytes:
    """A ShipNoticeRequest; without lines it means the whole order."""
    items = "".join(
        f'<ShipNoticeItem lineNumber="{number}" quantity="{quantity}">'
        "<UnitOfMeasure>EA</UnitOfMeasure></ShipNoticeItem>"
        for number, quantity in lines.items()
    )
    why = f' reason="{reason}"' if reason else ""
    return request(
        f'<ShipNoticeRequest><ShipNoticeHeader shipmentID="{shipment_id}"{why}'
        f' operation="{operation}" noticeDate="{on}T00:00:00Z" shipmentDate="{on}T00:00:00Z"/>'
        '<ShipControl><CarrierIdentifier domain="companyName">ヤマト運輸</CarrierIdentifier>'
        "<ShipmentIdentifier>1234-5678</ShipmentIdentifier></ShipControl>"
        f"<ShipNoticePortion>{_reference(order)}{items}</ShipNoticePortion></ShipNoticeRequest>",
        payload_id=_payload(payload_id),
    )


def invoices(
    order: PurchaseOrder,
    lines: dict[int, int],
    *,
    invoice_id: str = "I1",
    purpose: str = "standard",
    payload_id: str = "",
) -> bytes:
    """An InvoiceDetailRequest; a credit memo has negative quantities."""
    items = "".join(
        f'<InvoiceDetailItem invoiceLineNumber="{position}" quantity="{quantity}">'
        f"<UnitOfMeasure>EA</UnitOfMeasure><UnitPrice>{_money(100)}</UnitPrice>"
        f'<InvoiceDetailItemReference lineNumber="{number}"/>'
        f"<SubtotalAmount>{_money(100 * quantity)}</SubtotalAmount></InvoiceDetailItem>"
        for position, (number, quantity) in enumerate(lines.items(), start=1)
    )
    return request(
        f'<InvoiceDetailRequest><InvoiceDetailRequestHeader invoiceID="{invoice_id}"'
        f' purpose="{purpose}" operation="new" invoiceDate="2026-04-05T00:00:00Z"/>'
        f"<InvoiceDetailOrder><InvoiceDetailOrderInfo>{_reference(order)}"
        f"</InvoiceDetailOrderInfo>{items}</InvoiceDetailOrder></InvoiceDetailRequest>",
        payload_id=_payload(payload_id),
    )


def updates(order: PurchaseOrder, code: int, text: str = "OK", *, payload_id: str = "") -> bytes:
    """A StatusUpdateRequest about the order's document."""
    return request(
        f'<StatusUpdateRequest><DocumentReference payloadID="{order.payload_id}"/>'
        f'<Status code="{code}" text={quoteattr(text)}/></StatusUpdateRequest>',
        payload_id=_payload(payload_id),
    )
