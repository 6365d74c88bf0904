"""What a supplier tells us by itself: counted once, in any order, and always answered."""

import pytest
from cxml_documents import Line, request
from django.test import Client
from order_supplier import Supplier, hangs_up
from ordering import approved
from world import World

from punchout import dispatch
from punchout.models import Exchange, OrderAttempt, StrayMessage, SupplierDocument

pytestmark = pytest.mark.django_db

TWO = (Line(), Line(part_id="B2", auxiliary_id="358-1,2", rate="8.00"))


def post(connection, document, token=None):
    token = token or connection.inbound_token
    response = Client(enforce_csrf_checks=True).post(
        f"/punchout/cxml/{token}", document, content_type="text/xml"
    )
    assert response.status_code == 200
    return response.content.decode()


def confirmation(order, *lines, confirm="249-1", payload="c-1@shop", kind="detail"):
    items = "".join(
        f'<ConfirmationItem lineNumber="{line}" quantity="{quantity}">'
        "<UnitOfMeasure>EA</UnitOfMeasure>"
        f'<ConfirmationStatus quantity="{quantity}" type="{kind}">'
        "<UnitOfMeasure>EA</UnitOfMeasure></ConfirmationStatus></ConfirmationItem>"
        for line, quantity in lines
    )
    return request(
        f'<ConfirmationRequest><ConfirmationHeader confirmID="{confirm}" type="{kind}"'
        f' noticeDate="2026-04-02T00:00:00Z"/><OrderReference orderID="{order.number}">'
        f'<DocumentReference payloadID="{order.payload_id}"/></OrderReference>{items}'
        "</ConfirmationRequest>",
        payload_id=payload,
    )


def ship(order, *lines, shipment="S1", payload="s-1@shop"):
    items = "".join(
        f'<ShipNoticeItem lineNumber="{line}" quantity="{quantity}">'
        "<UnitOfMeasure>EA</UnitOfMeasure></ShipNoticeItem>"
        for line, quantity in lines
    )
    return request(
        f'<ShipNoticeRequest><ShipNoticeHeader shipmentID="{shipment}"'
        ' noticeDate="2026-04-03T00:00:00Z" shipmentDate="2026-04-03T00:00:00Z"/>'
        '<ShipControl><CarrierIdentifier domain="companyName">ヤマト運輸</CarrierIdentifier>'
        "<ShipmentIdentifier>1234-5678</ShipmentIdentifier></ShipControl>"
        f'<ShipNoticePortion><OrderReference orderID="{order.number}">'
        f'<DocumentReference payloadID="{order.payload_id}"/></OrderReference>{items}'
        "</ShipNoticePortion></ShipNoticeRequest>",
        payload_id=payload,
    )


def counters(order):
    return list(order.lines.values_list("confirmed", "shipped", "cancelled", "contradiction"))


@pytest.mark.parametrize("turn", [1, -1])
def test_documents_in_any_order_and_twice_give_the_same_counters(turn):
    order = approved(World(), *TWO)
    documents = [
        confirmation(order, (1, 2)),
        confirmation(order, (2, 2), confirm="250-1", payload="c-2@shop"),
        ship(order, (1, 1)),
        ship(order, (1, 1), (2, 2), shipment="S2", payload="s-2@shop"),
    ][::turn]
    for document in documents * 2:
        assert 'code="200"' in post(order.connection, document)
    assert counters(order) == [(2, 2, 0, ""), (2, 2, 0, "")]
    assert SupplierDocument.objects.count() == 4


def test_a_confirmation_before_our_own_answer_settles_the_order():
    order = approved(World(), *TWO)
    attempt = dispatch._claim(order.pk)
    post(order.connection, confirmation(order, (1, 2)))
    order.refresh_from_db()
    assert order.state == "ordered"
    late = dispatch.Result(OrderAttempt.Outcome.UNKNOWN, "時間切れ")
    dispatch._settle(attempt, late, 1)
    order.refresh_from_db()
    assert order.state == "ordered"


def test_a_confirmation_answers_the_question_of_an_unknown_outcome():
    with Supplier(hangs_up) as shop:
        order = approved(World(), *TWO, order_url=shop.url)
        dispatch.sweep()
    post(order.connection, confirmation(order, (1, 2)))
    order.refresh_from_db()
    assert (order.state, order.needs_person) == ("ordered", "")


def test_a_rejection_of_everything_is_an_order_error_in_words():
    order = approved(World(), *TWO)
    document = confirmation(order, (1, 2), (2, 2), confirm="", kind="reject")
    post(order.connection, document)
    order.refresh_from_db()
    assert (order.state, order.failure) == ("failed", "rejected")


def test_more_confirmed_than_ordered_is_flagged_not_refused():
    order = approved(World(), *TWO)
    assert 'code="200"' in post(order.connection, confirmation(order, (1, 5)))
    assert "合計が 5" in order.lines.get(line_number=1).contradiction


@pytest.mark.parametrize("quantity", ["9" * 30, "0", "-3", "1.5"])
def test_absurd_quantities_are_answered_and_never_break_the_ledger(quantity):
    order = approved(World(), *TWO)
    document = confirmation(order, (1, quantity))
    post(order.connection, document)
    post(order.connection, ship(order, (1, quantity)))
    assert all(count >= 0 for row in counters(order) for count in row[:3])


def test_a_date_at_the_end_of_the_calendar_is_ignored():
    order = approved(World(), *TWO)
    document = confirmation(order, (1, 2)).replace(b"2026-04-02T00:00:00Z", b"9999-12-31T23:59:59Z")
    assert 'code="200"' in post(order.connection, document)


def test_a_message_about_an_unknown_order_is_kept_and_answered_200():
    order = approved(World(), *TWO)
    document = confirmation(order, (1, 1)).replace(order.number.encode(), b"NOBODY")
    assert 'code="200"' in post(order.connection, document)
    assert SupplierDocument.objects.get().order is None


def test_a_wrong_token_is_one_line_without_a_body():
    order = approved(World(), *TWO)
    before = Exchange.objects.count()
    answer = post(order.connection, confirmation(order, (1, 1)), token="wrong")
    assert 'code="401"' in answer
    assert Exchange.objects.count() == before
    assert StrayMessage.objects.get().count == 1
    assert not SupplierDocument.objects.exists()


def test_wrong_basic_authentication_is_refused():
    order = approved(World(), *TWO)
    order.connection.inbound_user, order.connection.inbound_password = "shop", "pässwört"
    order.connection.save()
    assert 'code="401"' in post(order.connection, confirmation(order, (1, 1)))


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (b"not xml", 400),
        (b"", 400),
        (b'<!DOCTYPE cXML [<!ENTITY x "y">]><cXML payloadID="1">&x;</cXML>', 406),
        (b"<cXML>" + b" " * 10_000_001, 413),
    ],
)
def test_bad_documents_are_answered_in_cxml(document, code):
    order = approved(World(), *TWO)
    assert f'code="{code}"' in post(order.connection, document)
    assert not SupplierDocument.objects.exists()


def test_a_profile_request_is_answered_with_what_we_take():
    order = approved(World(), *TWO)
    answer = post(order.connection, request("<ProfileRequest/>"))
    assert "ConfirmationRequest" in answer
    logged = Exchange.objects.first()
    assert order.connection.inbound_token not in logged.response
