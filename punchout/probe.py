"""Trying a connection without shopping: is the supplier there, and does it let us in?"""

import secrets

from django.urls import reverse

from expenses.signals import Blocked
from masters.models import DeliveryAddress, Employee
from punchout import sessions, transport
from punchout.identifiers import public_url
from punchout.models import CatalogConnection

SECONDS = 10.0


def reach(url: str) -> int:
    """The HTTP status with which somebody answers a GET of ``url``: nothing is ordered by it.

    Raises ``transport.NotDelivered`` or ``transport.NoAnswer``; ``str()`` of both is the reason.
    """
    return transport.exchange("GET", url, seconds=SECONDS).status


def person_for_trial(connection: CatalogConnection, code: str | None = None) -> Employee:
    """Who is named in a trial: the employee ``code``, else the first who may shop.

    A supplier may open an account for whom it does not know, so nobody outside the allow-list.
    Raises ``Blocked`` when there is no such person.
    """
    people = Employee.objects.active().exclude(email="").order_by("code")
    allowed = connection.allowed_employees.values("pk")
    if allowed:
        people = people.filter(pk__in=allowed)
    found = people.filter(code=code).first() if code else people.first()
    if found is None:
        who = f"社員コード {code} は、" if code else ""
        raise Blocked(f"{who}E-MAIL があり、このカタログを使える社員の中に見つかりません。")
    return found


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
