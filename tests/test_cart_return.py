"""The cart's way back: what is taken, and what is refused without a trace but the log."""

import base64
import datetime
import threading
from urllib.parse import urlencode

import pytest
import time_machine
from cxml_documents import Line, cart
from django.db import IntegrityError
from django.test import Client
from django.utils import timezone
from ordering import at_once
from shopping import RETURN, bring_back, connect, go_shopping, post_cart
from world import World

from expenses import lifecycle
from expenses.models import Voucher, VoucherLine
from punchout import sessions
from punchout.models import CatalogItem, Exchange, ReceivedCart, ShoppingSession, StrayMessage

pytestmark = pytest.mark.django_db

GOODS = (
    Line(auxiliary_id="358-1,1", unit_price=1280, quantity=2, rate="10.00", shipping=500),
    Line(part_id="B0FOOD", auxiliary_id="358-1,2", unit_price=1833, quantity=1, rate="8.00"),
    Line(part_id="B0ZERO", auxiliary_id="358-1,3", unit_price=5000, quantity=1, rate="0.00"),
)


@pytest.fixture
def world():
    return World()


@pytest.fixture
def connection(world):
    return connect(world)


@pytest.fixture
def session(world, connection):
    return go_shopping(world, connection, world.draft())


def as_person(world, name="applicant") -> Client:
    browser = Client()
    browser.force_login(world.people[name])
    return browser


def cart_page(session) -> str:
    return f"/punchout/carts/{session.pk}/"


def nothing_stored(session) -> bool:
    session.refresh_from_db()
    return (
        not ReceivedCart.objects.exists()
        and session.state == ShoppingSession.State.SHOPPING
        and session.voucher.lines.count() == 1
    )


def test_a_cart_becomes_one_line_per_item_and_one_for_shipping(world, session):
    bring_back(session, *GOODS)
    response = as_person(world).get(cart_page(session))
    assert response.status_code == 302
    lines = list(session.voucher.lines.order_by("position"))
    assert [line.origin for line in lines] == ["manual", *["catalogue"] * 4]
    goods, food, zero, shipping = lines[1:]
    assert (goods.quantity, goods.unit_price, goods.tax_amount, goods.amount) == (
        2, 1280, 256, 2816,
    )  # fmt: skip
    assert (food.tax_amount, food.amount) == (147, 1980)
    assert (zero.tax_amount, zero.amount) == (0, 5000)
    assert (shipping.amount, shipping.tax_amount) == (550, 50)
    assert [line.breakdown.code for line in lines[1:]] == ["B10", "B8", "B0", "B10"]
    assert all(line.tax_stated for line in lines[1:])
    session.voucher.refresh_from_db()
    assert session.voucher.total == 1100 + 2816 + 1980 + 5000 + 550


def test_the_tax_stays_as_the_supplier_stated_it_even_if_it_looks_wrong(world, session):
    odd = cart(GOODS[1:2], buyer_cookie=session.buyer_cookie).replace(b">147.00<", b">146.00<")
    assert post_cart(odd).status_code == 303
    as_person(world).get(cart_page(session))
    line = session.voucher.lines.get(origin="catalogue")
    assert (line.tax_amount, line.amount) == (146, 1979)
    lifecycle.submit(session.voucher, by=world.people["applicant"])
    line.refresh_from_db()
    assert line.tax_amount == 146


def test_the_identical_cart_again_gets_the_same_303_and_changes_nothing(world, session):
    document = cart(GOODS, buyer_cookie=session.buyer_cookie)
    first = post_cart(document)
    as_person(world).get(cart_page(session))
    before = list(VoucherLine.objects.values_list("pk", flat=True))
    second = post_cart(document)
    assert (second.status_code, second["Location"]) == (303, first["Location"])
    assert as_person(world).get(cart_page(session)).status_code == 302
    assert list(VoucherLine.objects.values_list("pk", flat=True)) == before
    assert ReceivedCart.objects.count() == 1


def test_another_cart_on_a_used_cookie_is_refused(world, session):
    bring_back(session, *GOODS)
    response = post_cart(cart(GOODS[:1], buyer_cookie=session.buyer_cookie))
    assert response.status_code == 400
    assert "すでに受け取っています" in response.content.decode()
    assert ReceivedCart.objects.count() == 1


def test_an_unknown_cookie_is_refused_and_its_body_is_not_kept(session):
    response = post_cart(cart(GOODS, buyer_cookie="nobody-knows-me"))
    assert response.status_code == 400
    assert "見つかりません" in response.content.decode()
    assert nothing_stored(session)
    assert not Exchange.objects.exists()
    assert StrayMessage.objects.get().count == 1


def test_a_cookie_lives_as_long_as_the_setting_says(session):
    document = cart(GOODS, buyer_cookie=session.buyer_cookie)
    with time_machine.travel(timezone.now() + datetime.timedelta(hours=24, seconds=1), tick=False):
        response = post_cart(document)
    assert response.status_code == 400
    assert "24 時間を過ぎた" in response.content.decode()
    assert nothing_stored(session)
    with time_machine.travel(timezone.now() + datetime.timedelta(hours=23, minutes=59)):
        assert post_cart(document).status_code == 303


def test_another_persons_cart_page_is_not_found(world, session):
    bring_back(session, *GOODS)
    for name in ("colleague", "manager", "full_deputy"):
        assert as_person(world, name).get(cart_page(session)).status_code == 404
    assert Client().get(cart_page(session)).status_code == 302
    assert not CatalogItem.objects.exists()


XXE = b'<!DOCTYPE cXML [<!ENTITY x SYSTEM "file:///etc/hostname">]>'


def _with_entity(document: bytes) -> bytes:
    start = document.index(b"<!DOCTYPE")
    end = document.index(b">", start) + 1
    return document[:start] + XXE + document[end:]


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda doc: doc.replace(b'"JPY"', b'"USD"'), "円"),
        (lambda doc: doc.replace(b"1280.00", b"1280.50"), "円"),
        (_with_entity, "実体"),
        (lambda doc: b"this is not XML", "XML"),
        (lambda doc: doc[:400], "XML"),
        (lambda doc: b"", ""),
        (lambda doc: doc.replace(b"1280.00", "１２８０".encode()), "単価"),
    ],
    ids=["currency", "fraction", "entity", "not-xml", "cut-off", "empty", "full-width"],
)
def test_a_bad_cart_is_refused_with_a_reason_and_leaves_nothing(session, spoil, reason):
    response = post_cart(spoil(cart(GOODS, buyer_cookie=session.buyer_cookie)))
    assert response.status_code == 400
    assert reason in response.content.decode()
    assert nothing_stored(session)


def test_an_oversized_cart_is_refused(session):
    large = b"<cXML>" + b" " * 10_000_001
    response = Client().post(RETURN, large, content_type="text/xml")
    assert response.status_code == 400
    assert "大きすぎます" in response.content.decode()
    assert nothing_stored(session)


def test_a_header_that_does_not_add_up_keeps_the_cart_and_makes_no_lines(world, session):
    wrong = cart(GOODS, buyer_cookie=session.buyer_cookie).replace(b"9393.00", b"9000.00")
    assert post_cart(wrong).status_code == 303
    page = as_person(world).get(cart_page(session))
    assert "一致しません" in page.content.decode()
    assert ReceivedCart.objects.get().problem
    assert session.voucher.lines.count() == 1
    as_person(world).post(cart_page(session))
    assert session.voucher.lines.count() == 1


@pytest.mark.parametrize("quantity", ["0", "-1", "1.5"])
def test_a_quantity_that_cannot_be_ordered_makes_no_lines(world, session, quantity):
    document = cart(GOODS[1:2], buyer_cookie=session.buyer_cookie)
    spoilt = document.replace(b'quantity="1"', f'quantity="{quantity}"'.encode())
    assert post_cart(spoilt).status_code == 303
    assert "数量" in as_person(world).get(cart_page(session)).content.decode()
    assert session.voucher.lines.count() == 1


HUGE = "9" * 40


@pytest.mark.parametrize(
    "spoil",
    [
        lambda doc: doc.replace(b'quantity="1"', f'quantity="{HUGE}"'.encode()),
        lambda doc: doc.replace(b"1833.00", f"{HUGE}.00".encode()),
        lambda doc: doc.replace(b"147.00", f"{HUGE}.00".encode()),
        lambda doc: doc.replace(b'percentageRate="8.00"', b'percentageRate="900"'),
        lambda doc: doc.replace(b'percentageRate="8.00"', b'percentageRate="8.12345"'),
        lambda doc: doc.replace(b"358-1,2", b"8" * 600),
        lambda doc: doc.replace(b"B0FOOD", b"B" * 200),
        lambda doc: doc.replace(
            b"<UnitPrice>", b"<PriceBasisQuantity quantity='1E30'/><UnitPrice>"
        ),
    ],
    ids=["quantity", "price", "tax", "rate", "odd-rate", "auxiliary", "part", "basis"],
)
def test_absurd_values_make_no_lines_and_no_error_page(world, session, spoil):
    response = post_cart(spoil(cart(GOODS[1:2], buyer_cookie=session.buyer_cookie)))
    assert response.status_code in (303, 400)
    if response.status_code == 303:
        assert as_person(world).get(cart_page(session)).status_code in (200, 302)
    assert session.voucher.lines.filter(amount__gt=10_000).count() == 0


def test_an_unmapped_rate_leaves_the_breakdown_to_the_employee(world, session):
    bring_back(session, Line(rate="7.00"))
    as_person(world).get(cart_page(session))
    line = session.voucher.lines.get(origin="catalogue")
    assert line.breakdown is None
    with pytest.raises(Exception, match="内訳を選んでください"):
        lifecycle.submit(session.voucher, by=world.people["applicant"])


def test_an_empty_cart_ends_shopping_and_changes_no_line(world, session):
    assert post_cart(cart((), buyer_cookie=session.buyer_cookie)).status_code == 303
    assert as_person(world).get(cart_page(session)).status_code == 302
    session.refresh_from_db()
    assert session.state == ShoppingSession.State.ENDED
    assert session.voucher.lines.count() == 1


def test_a_second_cart_replaces_the_first_only_after_a_confirmation(world, connection, session):
    bring_back(session, *GOODS)
    as_person(world).get(cart_page(session))
    again = go_shopping(world, connection, session.voucher)
    bring_back(again, GOODS[1])
    browser = as_person(world)
    assert browser.get(cart_page(again)).status_code == 200
    assert session.voucher.lines.filter(origin="catalogue").count() == 4
    assert browser.post(cart_page(again)).status_code == 302
    assert session.voucher.lines.filter(origin="catalogue").count() == 1
    assert session.voucher.lines.filter(origin="manual").count() == 1


def test_a_cart_for_a_submitted_slip_waits_and_says_so(world, session):
    lifecycle.submit(session.voucher, by=world.people["applicant"])
    bring_back(session, *GOODS)
    assert as_person(world).get(cart_page(session)).status_code == 409
    assert Voucher.objects.get().lines.count() == 1


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/xml", lambda doc: doc),
        (
            "application/x-www-form-urlencoded",
            lambda doc: "cxml-BASE64=" + base64.b64encode(doc).decode(),
        ),
    ],
    ids=["raw", "base64"],
)
def test_the_other_forms_of_a_cart_are_taken_too(session, content_type, body):
    document = cart(GOODS, buyer_cookie=session.buyer_cookie)
    response = Client().post(RETURN, body(document), content_type=content_type)
    assert response.status_code == 303


def test_a_form_in_shift_jis_is_taken(session):
    document = cart(GOODS, buyer_cookie=session.buyer_cookie).decode().replace("​", "")
    body = urlencode({"cXML-urlencoded": document}, encoding="cp932")
    response = Client().post(RETURN, body, content_type="application/x-www-form-urlencoded")
    assert response.status_code == 303


@pytest.mark.django_db(transaction=True)
class TestTheCartPostedSeveralTimesAtOnce:
    @pytest.fixture
    def returning(self):
        world = World()
        return go_shopping(world, connect(world), world.draft())

    def post_at_once(self, session: ShoppingSession, times: int) -> list[object]:
        document = cart(GOODS, buyer_cookie=session.buyer_cookie)
        return at_once(*[lambda: post_cart(document).status_code] * times)

    def test_it_is_stored_once_and_all_get_the_same_answer(self, returning):
        assert self.post_at_once(returning, 4) == [303] * 4
        assert ReceivedCart.objects.count() == 1

    def test_control_without_the_lock_the_second_would_be_an_error(self, returning, monkeypatch):
        both_have_looked = threading.Barrier(2)
        check = sessions.check_cart

        def read_only(cookie: str) -> ShoppingSession:
            return ShoppingSession.objects.select_related("connection", "voucher").get(
                buyer_cookie=cookie
            )

        def check_after_both_have_looked(*args) -> None:
            # By now each has seen that no cart is stored yet.
            both_have_looked.wait(5)
            check(*args)

        monkeypatch.setattr(sessions, "_session_for", read_only)
        monkeypatch.setattr(sessions, "check_cart", check_after_both_have_looked)
        results = self.post_at_once(returning, 2)
        assert any(isinstance(result, IntegrityError) for result in results)
        assert ReceivedCart.objects.count() == 1
