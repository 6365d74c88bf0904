"""「カタログ連携」: what is missing is said before anybody leaves the page."""

import http.server
import threading

import pytest
from django.test import Client
from shopping import connect
from world import World

from expenses.models import Voucher
from masters.models import Company, DeliveryAddress, Employee
from punchout.models import CatalogConnection, Exchange, ShoppingSession

pytestmark = pytest.mark.django_db

ANSWER = """<?xml version="1.0"?><cXML payloadID="1@shop" timestamp="2026-04-01T00:00:00Z">
<Response><Status code="{code}" text="{text}"/>{page}</Response></cXML>"""
PAGE = (
    "<PunchOutSetupResponse><StartPage><URL>\nhttp://localhost:9/start?a=1&amp;b=2\u200b"
    "</URL></StartPage></PunchOutSetupResponse>"
)


@pytest.fixture
def world():
    return World()


class Supplier:
    """A real HTTP server that answers every setup request alike, and keeps what it was sent."""

    def __init__(self, answer: str, status: int = 200) -> None:
        received = self.received = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                received.append(self.rfile.read(int(self.headers["Content-Length"])))
                body = answer.encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Location", "http://127.0.0.1:9/elsewhere")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/setup"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def supplier(request):
    running = []

    def start(*args) -> Supplier:
        running.append(Supplier(*args))
        return running[-1]

    yield start
    for one in running:
        one.server.shutdown()
        one.server.server_close()


def press(world, connection, voucher=None, who="applicant", **extra):
    """The employee presses 「カタログ連携」 on the edit page."""
    browser = Client()
    browser.force_login(world.people[who])
    form = {
        "title": "備品",
        "department": world.section.pk,
        "delivery_address": world.address.pk,
        "note": "",
        "lines-TOTAL_FORMS": "0",
        "lines-INITIAL_FORMS": "0",
    }
    form.update(extra.pop("form", {}))
    if voucher:
        form |= {"number": voucher.number, "version": voucher.version}
    return browser.post(f"/punchout/shop/{connection.pk}/", form, follow=True, **extra)


def ok(supplier):
    return supplier(ANSWER.format(code=200, text="OK", page=PAGE))


def test_the_way_leads_over_our_own_page_to_the_shop(world, supplier):
    shop = ok(supplier)
    response = press(world, connect(world, punchout_url=shop.url))
    assert [code for _url, code in response.redirect_chain] == [303]
    page = response.content.decode()
    assert 'href="http://localhost:9/start?a=1&amp;b=2"' in page
    assert "みどり商店へ移動します" in page
    assert Voucher.objects.get().title == "備品", "the draft was saved first"
    assert ShoppingSession.objects.get().state == ShoppingSession.State.SHOPPING


def test_the_setup_request_carries_person_and_secret_but_the_log_does_not(world, supplier):
    shop = ok(supplier)
    press(world, connect(world, punchout_url=shop.url))
    sent = shop.received[0].decode()
    assert "applicant@example.jp" in sent
    assert "s3cret&lt;&amp;&gt;" in sent
    logged = Exchange.objects.get()
    assert "s3cret" not in logged.request
    assert ShoppingSession.objects.get().buyer_cookie not in logged.request


def no_email(world, connection):
    Employee.objects.filter(code="applicant").update(email="")


def no_url(world, connection):
    CatalogConnection.objects.update(punchout_url="")


def no_secret(world, connection):
    connection.shared_secret = ""
    connection.save()


def no_mapping(world, connection):
    connection.rates.all().delete()


def address_off(world, connection):
    DeliveryAddress.objects.update(is_active=False)


def not_on_the_list(world, connection):
    connection.allowed_employees.add(world.people["colleague"])


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (no_email, "E-MAIL が社員マスタに登録されていません"),
        (no_url, "PunchOut URL"),
        (no_secret, "パスワード"),
        (no_mapping, "税率ごとの内訳"),
        (not_on_the_list, "権限がありません"),
    ],
)
def test_what_is_missing_is_said_and_the_supplier_is_not_called(world, supplier, spoil, says):
    shop = ok(supplier)
    connection = connect(world, punchout_url=shop.url)
    spoil(world, connection)
    response = press(world, connection)
    assert says in response.content.decode()
    assert not shop.received
    assert Voucher.objects.get().title == "備品", "what was typed is kept"


def test_no_delivery_address_is_said(world, supplier):
    shop = ok(supplier)
    connection = connect(world, punchout_url=shop.url)
    page = press(world, connection, form={"delivery_address": ""}).content.decode()
    assert "配送先が選ばれていません" in page
    assert not shop.received


@pytest.mark.parametrize(
    "headers",
    [
        {"user-agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) Mobile/15E148 Safari/604.1"},
        {"user-agent": "Mozilla/5.0 (Linux; Android 15) Chrome/140.0 Mobile Safari/537.36"},
        {"sec-ch-ua-mobile": "?1"},
    ],
)
def test_phone_browsers_are_refused_with_the_reason(world, supplier, headers):
    shop = ok(supplier)
    response = press(world, connect(world, punchout_url=shop.url), headers=headers)
    assert "スマートフォン" in response.content.decode()
    assert not shop.received


def test_without_the_contract_there_is_no_button_and_no_way(world, supplier):
    shop = ok(supplier)
    connection = connect(world, punchout_url=shop.url)
    Company.objects.create(pk=1, name="株式会社あおば", catalog_contracted=False)
    browser = Client()
    browser.force_login(world.people["applicant"])
    assert "カタログ連携" not in browser.get("/vouchers/new/request/").content.decode()
    assert press(world, connection).status_code == 404
    assert not shop.received


def test_a_settlement_never_shops(world, supplier):
    from expenses.models import Kind

    shop = ok(supplier)
    connection = connect(world, punchout_url=shop.url)
    settlement = world.draft(kind=Kind.SETTLEMENT)
    browser = Client()
    browser.force_login(world.people["applicant"])
    page = browser.get(f"/vouchers/{settlement.number}/edit/").content.decode()
    assert "カタログ連携" not in page
    press(world, connection, settlement)
    assert not shop.received


@pytest.mark.parametrize(
    ("answer", "status", "says"),
    [
        (ANSWER.format(code=401, text="Unauthorized", page=""), 200, "ログイン情報"),
        (ANSWER.format(code=500, text="Internal", page=""), 200, "接続できませんでした"),
        (ANSWER.format(code=200, text="OK", page=""), 200, "接続できませんでした"),
        ("<html>Not found</html>", 404, "接続できませんでした"),
        ("", 302, "接続できませんでした"),
        ("garbage &&&", 200, "接続できませんでした"),
    ],
)
def test_a_supplier_that_does_not_help_is_a_sentence_not_an_error(
    world, supplier, answer, status, says
):
    shop = supplier(answer, status)
    response = press(world, connect(world, punchout_url=shop.url))
    assert response.status_code == 200
    assert says in response.content.decode()
    assert ShoppingSession.objects.get().state == ShoppingSession.State.FAILED
    assert Exchange.objects.get().accepted is False


def test_nobody_at_the_other_end_is_a_sentence_too(world):
    response = press(world, connect(world, punchout_url="http://127.0.0.1:9/setup"))
    assert "接続できませんでした" in response.content.decode()


def test_strangers_cannot_shop_for_somebody_elses_draft(world, supplier):
    shop = ok(supplier)
    connection = connect(world, punchout_url=shop.url)
    voucher = world.draft()
    assert press(world, connection, voucher, who="colleague").status_code == 404
    assert press(world, connection, voucher, who="reader").status_code == 403
    assert not shop.received


def test_a_deputy_shops_with_their_own_email(world, supplier):
    shop = ok(supplier)
    connection = connect(world, punchout_url=shop.url)
    voucher = world.draft()
    form = {"lines-TOTAL_FORMS": "0"}
    assert press(world, connection, voucher, who="full_deputy", form=form).status_code == 200
    assert b"full-deputy@example.jp" in shop.received[0]
    assert ShoppingSession.objects.get().employee == world.people["full_deputy"]
