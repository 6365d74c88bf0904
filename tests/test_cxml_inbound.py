"""What the supplier says: answers to us, messages by itself, samples of other systems."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from punchout.cxml import (
    Confirmation,
    Invoice,
    Money,
    Profile,
    ShipNotice,
    StatusUpdate,
    read_cart,
    read_inbound,
    read_response,
    read_setup_response,
)
from tests.cxml_documents import (
    cart,
    confirmation,
    reference_directory,
    refusal,
    request,
    setup_response,
)


@pytest.mark.parametrize(
    ("status", "read"),
    [
        ('<Status code="200" text="OK"/>', (200, "OK", "")),
        ('<Status code=" 201 "/>', (201, "", "")),
        (
            '<Status code="200" text="OK">\n注文に誤りがあります </Status>',
            (200, "OK", "注文に誤りがあります"),
        ),
        ('<Status code="560" text="Temporary">later</Status>', (560, "Temporary", "later")),
    ],
)
def test_the_status_is_read(status, read):
    answer = read_response(f"<cXML><Response>{status}</Response></cXML>".encode())
    assert (answer.code, answer.text, answer.message) == read


@pytest.mark.parametrize(
    "body", ["", "<Response/>", '<Response><Status code="OK"/></Response>', "<Request/>"]
)
def test_an_answer_without_a_status_is_refused(body):
    for reader in (read_response, read_setup_response):
        assert refusal(f"<cXML>{body}</cXML>".encode(), reader).status == 400


def test_the_start_page_is_cleaned():
    read = read_setup_response(
        setup_response("\n \ufeffhttps://a.example/s?x=1&amp;\n y=2\u200b\n")
    )
    assert read.start_url == "https://a.example/s?x=1&y=2"
    assert read_setup_response(setup_response(" ")).start_url == ""
    assert refusal(setup_response("javascript:alert(1)"), read_setup_response).status == 400


def test_a_confirmation_is_read():
    read = read_inbound(
        confirmation(
            '<ConfirmationItem quantity="2" lineNumber="1"><UnitOfMeasure>EA</UnitOfMeasure>'
            '<ConfirmationStatus quantity="1" type="detail" deliveryDate="2026-04-03">'
            "<Shipping><Money currency='JPY'>100</Money></Shipping>"
            "<Tax><Money currency='JPY'>130</Money><TaxDetail category='vat' percentageRate='10'"
            " purpose='subtotalTax'><TaxAmount><Money currency='JPY'>130</Money></TaxAmount>"
            "</TaxDetail></Tax><UnitPrice><Money currency='JPY'>1300</Money></UnitPrice>"
            "</ConfirmationStatus>"
            '<ConfirmationStatus type="backordered" quantity="1"/></ConfirmationItem>',
            header="<Total><Money currency='JPY'>2816.00</Money></Total>",
        )
    )
    assert isinstance(read, Confirmation)
    assert (read.payload_id, read.confirm_id) == ("msg-1@amazon.co.jp", "249-1234567-1234567")
    assert (read.type, read.operation, read.error_codes) == ("detail", "new", ())
    assert (read.order_id, read.order_payload_id) == ("PO-1", "po-1@example.jp")
    assert read.notice_date == datetime(2026, 3, 31, 23, 26, tzinfo=UTC)
    assert read.total == Money(Decimal("2816.00"), "JPY")
    [item] = read.items
    assert (item.line_number, item.quantity) == (1, 2)
    detail, waiting = item.statuses
    assert detail.unit_price is not None and detail.unit_price.yen() == 1300
    assert detail.tax is not None and (detail.tax.yen(), detail.tax_rate) == (130, 10)
    assert detail.shipping is not None and detail.shipping.yen() == 100
    assert (waiting.type, waiting.quantity, waiting.unit_price) == ("backordered", 1, None)


def test_a_rejection_tells_its_codes():
    joined = (
        "数量を変更できません。[エラーコード: 018-007]"
        " || 在庫がありません。［エラーコード：015-005］ || 再掲 [エラーコード: 018-007]"
    )
    read = read_inbound(
        confirmation(
            '<ConfirmationItem quantity="1" lineNumber="1"><ConfirmationStatus type="reject">'
            "<Comments type='LineItemErrorCode'>015-005</Comments>"
            "<Comments>電話 0120-999-373</Comments></ConfirmationStatus></ConfirmationItem>",
            confirm_id="",
            kind="reject",
            header=f'<Comments type="OrderErrorCode">{joined}</Comments><Comments> </Comments>',
        )
    )
    assert isinstance(read, Confirmation)
    assert (read.confirm_id, read.type, read.total) == ("", "reject", None)
    assert read.comments == (("OrderErrorCode", joined),)
    assert read.error_codes == ("018-007", "015-005")
    status = read.items[0].statuses[0]
    assert (status.quantity, status.error_codes) == (1, ("015-005",))


def test_a_replacement_brings_its_part_and_price():
    read = read_inbound(
        confirmation(
            '<ConfirmationItem lineNumber="1"><ConfirmationStatus quantity="2" type="detail">'
            '<ItemIn quantity="2"><ItemID><SupplierPartID>NEW</SupplierPartID>'
            "<SupplierPartAuxiliaryID>aux</SupplierPartAuxiliaryID></ItemID><ItemDetail><UnitPrice>"
            "<Money>99</Money></UnitPrice></ItemDetail></ItemIn></ConfirmationStatus>"
            "</ConfirmationItem>"
        )
    )
    assert isinstance(read, Confirmation)
    status = read.items[0].statuses[0]
    assert read.items[0].quantity == 2
    assert (status.part_id, status.auxiliary_id) == ("NEW", "aux")
    assert status.unit_price is not None and status.unit_price.yen() == 99


def test_a_ship_notice_is_read():
    read = read_inbound(
        request(
            '<ShipNoticeRequest><ShipNoticeHeader shipmentID="S1" noticeDate="2026-04-02T00:00:00Z"'
            ' shipmentDate="2026-04-02T00:00:00Z" deliveryDate=""/>'
            '<ShipControl><CarrierIdentifier domain="SCAC">YMT</CarrierIdentifier>'
            '<CarrierIdentifier domain="companyName">ヤマト運輸</CarrierIdentifier>'
            "<ShipmentIdentifier> 4567-8901 </ShipmentIdentifier></ShipControl>"
            '<ShipControl><CarrierIdentifier domain="companyName"/><ShipmentIdentifier/>'
            "</ShipControl>"
            '<ShipNoticePortion><OrderReference orderID="PO-1"><DocumentReference payloadID="p"/>'
            '</OrderReference><ShipNoticeItem quantity="1.0" lineNumber="2"/></ShipNoticePortion>'
            '<ShipNoticePortion><OrderReference orderID="PO-2"/></ShipNoticePortion>'
            "</ShipNoticeRequest>"
        )
    )
    assert isinstance(read, ShipNotice)
    assert (read.shipment_id, read.operation, read.is_return) == ("S1", "new", False)
    assert (read.carriers, read.trackings) == (("ヤマト運輸",), ("4567-8901",))
    assert read.shipment_date == datetime(2026, 4, 2, tzinfo=UTC)
    assert read.delivery_date is None
    part, whole = read.portions
    assert (part.order_id, part.order_payload_id) == ("PO-1", "p")
    assert [(item.line_number, item.quantity) for item in part.items] == [(2, 1)]
    assert (whole.order_id, whole.items) == ("PO-2", ())


def test_a_credit_memo_is_read_as_stated():
    read = read_inbound(
        request(
            '<InvoiceDetailRequest><InvoiceDetailRequestHeader invoiceID="C1" operation="new"'
            ' purpose="lineLevelCreditMemo" invoiceDate="2026-04-09T00:00:00+09:00"/>'
            "<InvoiceDetailOrder><InvoiceDetailOrderInfo><OrderReference orderID='PO-1'/>"
            "</InvoiceDetailOrderInfo><InvoiceDetailItem invoiceLineNumber='1' quantity='-1'>"
            "<UnitPrice><Money currency='JPY'>1000</Money></UnitPrice>"
            "<InvoiceDetailItemReference lineNumber='3'/>"
            "<SubtotalAmount><Money currency='JPY'>-1000</Money></SubtotalAmount>"
            "<Tax><Money currency='JPY'>-130</Money><TaxDetail percentageRate='10' category='vat'>"
            "<TaxAmount><Money currency='JPY'>-100</Money></TaxAmount></TaxDetail>"
            "<TaxDetail percentageRate='10' category='vat' purpose='shippingTax'>"
            "<TaxAmount><Money currency='JPY'>-30</Money></TaxAmount></TaxDetail></Tax>"
            "<InvoiceDetailLineShipping><Money currency='JPY'>-300</Money>"
            "</InvoiceDetailLineShipping></InvoiceDetailItem></InvoiceDetailOrder>"
            "<InvoiceDetailSummary><DueAmount><Money currency='JPY'>-1430</Money></DueAmount>"
            "</InvoiceDetailSummary></InvoiceDetailRequest>"
        )
    )
    assert isinstance(read, Invoice)
    assert (read.invoice_id, read.purpose) == ("C1", "lineLevelCreditMemo")
    goods, shipping = read.lines
    assert (goods.order_id, goods.line_number, goods.quantity) == ("PO-1", 3, -1)
    assert goods.subtotal is not None and goods.subtotal.yen() == -1000
    assert goods.tax is not None and (goods.tax.yen(), goods.tax_rate) == (-100, 10)
    assert shipping.is_shipping and not goods.is_shipping
    assert shipping.subtotal is not None and shipping.subtotal.yen() == -300
    assert shipping.tax is not None and shipping.tax.yen() == -30
    assert read.totals.due is not None and read.totals.due.yen() == -1430
    assert read.totals.net is None


def test_a_status_update_names_its_document():
    read = read_inbound(
        request(
            '<StatusUpdateRequest><DocumentReference payloadID="po-1"/>'
            '<Status code="200">ok</Status></StatusUpdateRequest>'
        )
    )
    assert isinstance(read, StatusUpdate)
    assert (read.document_payload_id, read.order_id) == ("po-1", "")
    assert (read.status.code, read.status.message) == (200, "ok")


@pytest.mark.parametrize(
    ("document", "status"),
    [
        (request("<CopyRequest/>"), 450),
        (request(""), 450),
        (cart([]), 400),
        (request("<ProfileRequest/>", payload_id=" "), 400),
        (request("<ConfirmationRequest/>"), 400),
        (confirmation('<ConfirmationItem quantity="1"/>'), 400),
        (
            confirmation(
                '<ConfirmationItem lineNumber="1"><ConfirmationStatus/></ConfirmationItem>'
            ),
            400,
        ),
        (confirmation('<ConfirmationItem quantity="２" lineNumber="1"/>'), 400),
        (request("<ShipNoticeRequest/>"), 400),
        (request("<InvoiceDetailRequest/>"), 400),
        (request("<StatusUpdateRequest/>"), 400),
    ],
)
def test_malformed_messages_are_refused_with_a_status(document, status):
    assert refusal(document, read_inbound).status == status


SAMPLES = {
    "ConfirmationRequest": (read_inbound, Confirmation),
    "InvoiceDetailRequest": (read_inbound, Invoice),
    "ShipNoticeRequest": (read_inbound, ShipNotice),
    "StatusUpdateRequest": (read_inbound, StatusUpdate),
    "Profile": (read_inbound, Profile),
    "PunchOutOrderMessage": (read_cart, object),
    "PunchOutSetupResponse": (read_setup_response, object),
    "Response": (read_response, object),
}


@pytest.mark.parametrize("kind", SAMPLES)
def test_the_samples_are_read(kind):
    reader, expected = SAMPLES[kind]
    found = sorted((reference_directory() / "samples" / kind).glob("*.xml"))
    assert found
    for path in found:
        data = path.read_bytes()
        if b"<cxml " in data:  # a root of another name
            assert refusal(data, reader).status == 400
        else:
            assert isinstance(reader(data), expected), path.name


def test_a_sample_invoice_has_its_lines_and_orders():
    path = reference_directory() / "samples/InvoiceDetailRequest/officeluv-backed-and-unbacked.xml"
    read = read_inbound(path.read_bytes())
    assert isinstance(read, Invoice)
    assert [line.order_payload_id for line in read.lines] == ["E14994", ""]
    assert [line.quantity for line in read.lines] == [3, 2]
