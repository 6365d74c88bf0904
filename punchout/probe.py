"""Trying a connection without shopping: is the supplier there, and does it let us in?"""

import secrets

from django.urls import reverse

from expenses.signals import Blocked
from masters.models import DeliveryAddress, Employee
from punchout import sessions, transport
from punchout.identifiers import public_url
from punchout.models import CatalogConnection

SECONDS = 10.0


def reach(url: str) -> str:
    """Why nobody answers at ``url``; empty when somebody does, whatever the answer."""
    try:
        transport.exchange("GET", url, seconds=SECONDS)
    except transport.NotDelivered as error:
        return str(error)
    except transport.NoAnswer:
        return ""
    return ""


def ask_to_enter(connection: CatalogConnection, *, by: Employee) -> str:
    """Send a PunchOutSetupRequest as ``by`` would; the start page's address, which nobody opens.

    No shopping session is made: a cart that came back from it would be refused. The exchange stands
    in the log. Raises ``Blocked`` with the reason when the supplier does not let us in.
    """
    missing = connection.missing_settings()
    if missing:
        raise Blocked(f"未設定の項目があります: {'、'.join(missing)}")
    if not by.email:
        raise Blocked(f"{by.name} さんの E-MAIL が社員マスタに登録されていません。")
    place = DeliveryAddress.objects.usable_by(by).order_by("-is_default", "pk").first()
    if place is None:
        raise Blocked("使える配送先がありません。")
    document = sessions.setup_request(
        connection,
        by=by,
        place=place,
        buyer_cookie=secrets.token_urlsafe(32),
        return_url=public_url(reverse("punchout:return")),
    )
    return sessions.ask_for_start_page(connection, document, voucher=None)
