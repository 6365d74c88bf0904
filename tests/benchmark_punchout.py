"""What orders, confirmations and carts cost; each figure beside its reference of the same run."""

import datetime
import os
import secrets
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import psycopg2
import requests
from cxml_documents import Line, cart
from django.db.models import Max, Min
from django.test import Client
from django.utils import timezone
from lxml import etree
from shopping import post_cart
from supplier_says import confirms, status

from expenses import approval, drafts, lifecycle
from expenses.models import Kind, Voucher
from masters.models import DeliveryAddress, Employee
from punchout import carts, cxml, dispatch
from punchout.models import CatalogConnection, OrderAttempt, PurchaseOrder, ShoppingSession
from punchout.order_states import OrderState
from rakuraku.engines import free_port
from rakuraku.processes import Processes

Row = tuple[str, float, float, float]
"""Name, median, reference (seconds), and the limit of their ratio."""

DRAINED = 100


def rows(stack) -> list[Row]:
    """All figures of this room. Stops the stack's worker and starts it again."""
    return [_parsing(), _carts(), _confirmations(stack), _drain(stack)]


def shopping_session() -> ShoppingSession:
    """Somebody at the shop, for a draft of their own."""
    person = Employee.objects.get(code="1001")
    header = drafts.Header(
        title="計測",
        department=person.departments.first(),
        delivery_address=DeliveryAddress.objects.first(),
    )
    return ShoppingSession.objects.create(
        connection=CatalogConnection.objects.get(),
        voucher=drafts.create(Kind.REQUEST, by=person, header=header, applicant=person),
        employee=person,
        email=person.email,
        buyer_cookie=secrets.token_urlsafe(16),
        state=ShoppingSession.State.SHOPPING,
        expires_at=timezone.now() + datetime.timedelta(hours=1),
    )


def waiting_request(goods: Iterable[Line]) -> Voucher:
    """A request with those goods, waiting for its last approval."""
    session = shopping_session()
    assert post_cart(cart(goods, buyer_cookie=session.buyer_cookie)).status_code == 303
    session.refresh_from_db()
    voucher = carts.apply(session, by=session.employee)
    lifecycle.submit(voucher, by=session.employee)
    return approval.approve(voucher, by=Employee.objects.get(code="1002"))


def order_now(voucher: Voucher) -> PurchaseOrder:
    """The order that the last approval makes."""
    approval.approve(voucher, by=Employee.objects.get(code="1003"))
    return voucher.purchase_orders.get()


def goods_of(count: int) -> list[Line]:
    """So many different goods."""
    return [Line(part_id=f"B0{n:08}", auxiliary_id=f"358-{n}") for n in range(1, count + 1)]


def _median(act: Callable[[], object], rounds: int) -> float:
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        act()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def _parsing() -> Row:
    document = cart(goods_of(100))
    connection = CatalogConnection.objects.get()
    connection.header_total = CatalogConnection.HeaderTotal.ITEMS

    def parse_and_check() -> None:
        carts.check_cart(cxml.read_cart(document), connection)

    bare = _median(lambda: etree.fromstring(document), 60)
    return "parsing and checking 100 lines / fromstring", _median(parse_and_check, 30), bare, 12


def _carts() -> Row:
    large = [_cart_comes_back(1000) for _ in range(3)]
    small = [_cart_comes_back(50) for _ in range(7)]
    name = "cart of 1,000 lines into the draft / of 50"
    return name, statistics.median(large), statistics.median(small), 10


def _cart_comes_back(lines: int) -> float:
    session = shopping_session()
    document = cart(goods_of(lines), buyer_cookie=session.buyer_cookie)
    browser = Client()
    browser.force_login(session.employee)
    began = time.perf_counter()
    back = post_cart(document)
    page = browser.get(back.url)
    spent = time.perf_counter() - began
    assert page.status_code == 302, page.content
    assert session.voucher.lines.count() == lines
    return spent


def _confirmations(stack) -> Row:
    times = {}
    for lines in (100, 1):
        spent = []
        for _ in range(5):
            order = order_now(waiting_request(goods_of(lines)))
            said = {line.line_number: status(2) for line in order.lines.all()}
            document = confirms(order, said, payload_id=f"{secrets.token_hex(8)}@shop")
            url = f"/punchout/cxml/{order.connection.inbound_token}"
            client = Client()
            began = time.perf_counter()
            answer = client.post(url, document, content_type="text/xml")
            spent.append(time.perf_counter() - began)
            assert b'code="200"' in answer.content, answer.content
            assert order.lines.filter(confirmed=2).count() == lines
        times[lines] = statistics.median(spent)
    return "confirmation of 100 lines / of one", times[100], times[1], 5


def _drain(stack) -> Row:
    """Seconds per order: one worker process, against a loop that does nothing else."""
    stack.worker.stop()
    port = free_port()
    server = [sys.executable, str(Path(__file__).with_name("instant_supplier.py")), str(port)]
    with Processes() as processes:
        log = Path(stack.folder) / "instant.log"
        url = f"http://127.0.0.1:{port}/"
        processes.start("instant-supplier", server, stack.env, log).wait_for(url)
        CatalogConnection.objects.update(order_url=url)
        waiting = [waiting_request(goods_of(2)) for _ in range(3 * DRAINED)]
        keys = [order_now(voucher).pk for voucher in waiting]
        sql = _sql_loop(url, keys[:DRAINED]) / DRAINED
        bare = _bare_loop(keys[DRAINED : 2 * DRAINED]) / DRAINED
        stack.worker.start()
        left = PurchaseOrder.objects.filter(pk__in=keys[2 * DRAINED :])
        deadline = time.monotonic() + 120
        while left.exclude(state=OrderState.ORDERED).exists():
            assert time.monotonic() < deadline, "the worker does not drain"
            time.sleep(0.5)
    first = OrderAttempt.objects.filter(order__in=left).aggregate(at=Min("started_at"))["at"]
    last = left.aggregate(at=Max("ordered_at"))["at"]
    real = (last - first).total_seconds() / (DRAINED - 1)
    print(
        f"one worker process: {1 / real:.0f} orders/s (hoped for: 60); bare loop {1 / bare:.0f},"
        f" plain SQL {1 / sql:.0f}"
    )
    return "one worker process / bare claim, post, settle", real, bare, 2


def _bare_loop(keys: list[int]) -> float:
    """Claim, post and settle by the product's own steps: no queue, no log, no exchange record."""
    began = time.perf_counter()
    for key in keys:
        attempt = dispatch._claim(key)
        assert attempt is not None
        dispatch._settle(attempt, dispatch._post(attempt.order), 1)
    return time.perf_counter() - began


def _sql_loop(url: str, keys: list[int]) -> float:
    """The same as plain SQL, for comparison."""
    database = psycopg2.connect(os.environ["DATABASE_URL"])
    claim = """UPDATE punchout_purchaseorder SET state = 'sending', claimed_at = now(),
        tries = tries + 1 WHERE id = %s AND state = 'pending' RETURNING document"""
    begin = """INSERT INTO punchout_orderattempt (order_id, number, started_at, outcome, text)
        VALUES (%s, 1, now(), '', '') RETURNING id"""
    lock = "SELECT state FROM punchout_purchaseorder WHERE id = %s FOR UPDATE"
    end = """UPDATE punchout_orderattempt SET outcome = 'accepted', text = '200 OK',
        http_status = 200, status_code = 200, duration_ms = 1 WHERE id = %s"""
    settle = """UPDATE punchout_purchaseorder SET state = 'ordered', ordered_at = now()
        WHERE id = %s"""
    began = time.perf_counter()
    for key in keys:
        with database, database.cursor() as cursor:
            cursor.execute(claim, [key])
            (document,) = cursor.fetchone()
            cursor.execute(begin, [key])
            (attempt,) = cursor.fetchone()
        assert requests.post(url, data=bytes(document), timeout=5).status_code == 200
        with database, database.cursor() as cursor:
            cursor.execute(lock, [key])
            cursor.execute(end, [attempt])
            cursor.execute(settle, [key])
    spent = time.perf_counter() - began
    database.close()
    return spent
