"""What people do in a fault campaign: shop, approve, decide; each tries again when it may."""

import time
from collections.abc import Callable, Iterable
from typing import TypeVar

import kombu.exceptions
from django.db import InterfaceError, OperationalError, connections
from django.utils import timezone

from expenses import approval, drafts, lifecycle
from expenses.models import Kind, Voucher
from expenses.transitions import Status
from masters.models import DeliveryAddress, Employee
from punchout import carts, resolution, sessions
from punchout.models import CatalogConnection, OrderAttempt, PurchaseOrder
from punchout.order_states import OrderState
from rakuraku.browsing import Browser, form_of
from rakuraku.celery import app

TRIES = 60
T = TypeVar("T")


def waiting_request(place: int) -> int:
    """The key of a request with the goods of a cart, waiting for the 部長."""
    person = Employee.objects.get(code="1001")
    header = drafts.Header(
        title=f"備品 {place + 1}",
        department=person.departments.first(),
        delivery_address=DeliveryAddress.objects.first(),
    )
    voucher = drafts.create(Kind.REQUEST, by=person, header=header, applicant=person)
    connection = CatalogConnection.objects.get()
    session = sessions.start(
        voucher, connection, by=person, return_url="http://127.0.0.1:1/punchout/return"
    )
    sessions.receive(_cart(session.start_url, place))
    session.refresh_from_db()
    carts.apply(session, by=person)
    voucher = lifecycle.submit(session.voucher, by=person)
    approval.approve(voucher, by=Employee.objects.get(code="1002"))
    connections.close_all()
    return voucher.pk


def _cart(start_url: str, place: int) -> bytes:
    """What the shop's page would post with goods of one or two kinds in the cart."""
    browser = Browser()
    page = browser.open(start_url)
    cards = page.tree.xpath("//*[@data-test='product']")
    for number in range(1 + place % 2):
        form = cards[(place + number * 7) % len(cards)].xpath(".//form")[0]
        browser.submit(page, form, quantity=str(1 + place % 3))
    page = browser.open(page.url.split("/", 3)[0] + "//" + page.url.split("/")[2] + "/checkout")
    page = browser.submit(page, form_of(page, page.first("//*[@data-test='request-approval']")))
    form = page.first("//form[@data-test='return-form']")
    return form.xpath(".//input[@name='cXML-urlencoded']/@value")[0].encode()


def approve(request: int) -> None:
    """The last approval, pressed again as long as the product could not answer."""

    def press() -> None:
        voucher = Voucher.objects.get(pk=request)
        if voucher.status != Status.APPROVED:
            approval.approve(voucher, by=Employee.objects.get(code="1003"))

    _stubbornly(press)


def wait_for_workers(most: int) -> None:
    """Until few orders are on their way, or for a moment: what breaks shall meet some."""
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline:
        if _stubbornly(_moving().count) <= most:
            return
        time.sleep(0.05)


def _moving():
    return PurchaseOrder.objects.filter(state__in=[OrderState.PENDING, OrderState.SENDING])


def wake_again(request: int) -> None:
    """The message to the worker, twice more."""

    def find() -> int:
        return PurchaseOrder.objects.values_list("pk", flat=True).get(voucher=request)

    pk = _stubbornly(find)
    for _ in range(2):
        try:
            app.send_task("punchout.tasks.send_order", [pk])
        except kombu.exceptions.OperationalError:
            return  # Redis is away: its message is lost, as they may be.


def decide(orders: Iterable[PurchaseOrder], books) -> int:
    """A person looks each one up in the supplier's books and says so; how many."""
    count = 0
    for order in orders:
        if books.received.get(order.number):
            resolution.accept(order, reason="相手先の注文一覧で確認", by=None)
        else:
            resolution.resend(order, reason="相手先の注文一覧にない", by=None)
        count += 1
    return count


def resend_unknown() -> None:
    """The setting for suppliers that drop doubles, given to one that does not."""
    CatalogConnection.objects.update(resend_unknown=True)


def wait_until_quiet(seconds: float) -> None:
    """Until no order is on its way and what the supplier has to say has been said."""
    deadline = time.monotonic() + seconds
    quiet_since = None
    while True:
        moving = _moving().count() + OrderAttempt.objects.filter(outcome="").count()
        now = time.monotonic()
        quiet_since = None if moving else quiet_since or now
        # Confirmations of what was received follow within seconds, doubled tries included.
        if quiet_since and now - quiet_since > 8:
            return
        if now > deadline:
            raise AssertionError(f"{moving} still under way at {timezone.now()}")
        time.sleep(0.5)


def _stubbornly(act: Callable[[], T]) -> T:
    for _ in range(TRIES):
        try:
            return act()
        except (OperationalError, InterfaceError):
            connections.close_all()
            time.sleep(0.25)
    raise AssertionError("the database did not come back")
