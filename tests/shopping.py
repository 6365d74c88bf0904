"""A connection and shopping sessions for tests of what comes back, without a supplier."""

import datetime
import secrets
from urllib.parse import urlencode

from cxml_documents import Line, cart
from django.test import Client
from django.utils import timezone
from world import World

from expenses.models import Voucher
from punchout.models import CatalogConnection, CatalogRate, ShoppingSession

RETURN = "/punchout/return"
FORM = "application/x-www-form-urlencoded"


def connect(world: World, **changes) -> CatalogConnection:
    """A complete connection with a 内訳 for 10, 8 and 0 %."""
    values = {
        "name": "みどり商店",
        "supplier_name": "みどり商店",
        "from_identity": "rakuraku",
        "to_identity": "Amazon",
        "shared_secret": "s3cret<&>",
        "punchout_url": "http://127.0.0.1:9/setup",
        "order_url": "http://127.0.0.1:9/orders",
        "payment_method": world.paid_by_company,
    }
    connection = CatalogConnection.objects.create(**{**values, **changes})
    for rate, breakdown in world.breakdowns.items():
        CatalogRate.objects.create(connection=connection, rate=rate, breakdown=breakdown)
    return connection


def go_shopping(
    world: World, connection: CatalogConnection, voucher: Voucher, who: str = "applicant"
) -> ShoppingSession:
    """A session whose browser is at the shop."""
    person = world.people[who]
    return ShoppingSession.objects.create(
        connection=connection,
        voucher=voucher,
        employee=person,
        email=person.email,
        buyer_cookie=secrets.token_urlsafe(16),
        state=ShoppingSession.State.SHOPPING,
        start_url="http://localhost:9/start",
        expires_at=timezone.now() + datetime.timedelta(hours=24),
    )


def post_cart(document: bytes, **extra):
    """The browser's cross-site POST: no session cookie, no CSRF token."""
    browser = Client(enforce_csrf_checks=True)
    body = urlencode({"cXML-urlencoded": document})
    return browser.post(RETURN, body, content_type=FORM, **extra)


def bring_back(session: ShoppingSession, *lines: Line) -> None:
    """The cart comes back and is stored."""
    response = post_cart(cart(lines, buyer_cookie=session.buyer_cookie))
    assert response.status_code == 303, response.content.decode()
