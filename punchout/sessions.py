"""Going shopping: from the button to the shop, and the cart's way back."""

import datetime
import hashlib
import secrets
import threading
import time

from django.db import transaction
from django.utils import timezone

from expenses.locking import locked_for
from expenses.models import Voucher
from expenses.signals import Blocked
from expenses.transitions import Action
from masters.models import DeliveryAddress, Employee
from punchout import cxml, documents, exchange_log, redaction, transport
from punchout.carts import CartUnusable, check_cart
from punchout.identifiers import new_payload_id
from punchout.models import (
    CatalogConnection,
    Exchange,
    ReceivedCart,
    ShoppingSession,
    StrayMessage,
)

SETUP_SECONDS = 15.0
ADMINISTRATOR = "システム管理者に連絡してください。"

# Pages never hang on a supplier: further calls wait briefly, then the person is told.
_setup_slots = threading.BoundedSemaphore(2)


class CartRefused(Exception):
    """The posted cart cannot be taken. ``str()`` is the reason, a sentence for the person."""


def check_ready(
    voucher: Voucher, connection: CatalogConnection, *, by: Employee
) -> DeliveryAddress:
    """The 配送先 to shop for, or ``Blocked`` with what is missing and whom to ask."""
    if not voucher.is_request:
        raise Blocked("カタログ連携は経費申請からだけ使えます。")
    if not CatalogConnection.objects.open_to(by).filter(pk=connection.pk).exists():
        raise Blocked("このカタログを利用する権限がありません。", ADMINISTRATOR)
    missing = connection.missing_settings()
    if missing:
        names = "、".join(missing)
        raise Blocked(f"カタログ連携設定が完了していません（未設定: {names}）。", ADMINISTRATOR)
    if not by.email:
        raise Blocked(
            "あなたの E-MAIL が社員マスタに登録されていません。", f"E-MAIL の登録を{ADMINISTRATOR}"
        )
    place = voucher.delivery_address
    if place is None:
        raise Blocked(
            "配送先が選ばれていません。",
            "申請の配送先を選んでから「カタログ連携」を押してください。",
        )
    if not DeliveryAddress.objects.usable_by(by).filter(pk=place.pk).exists():
        raise Blocked(f"配送先「{place.name}」は使えません。", "別の配送先を選んでください。")
    return place


def start(
    voucher: Voucher, connection: CatalogConnection, *, by: Employee, return_url: str
) -> ShoppingSession:
    """Ask the supplier for a start page. The supplier is called with no transaction open.

    Raises ``WrongStatus``/``NotAllowed`` like any verb on the slip, and ``Blocked`` when something
    is missing or the supplier cannot be reached or refuses.
    """
    with transaction.atomic():
        voucher = locked_for(voucher, Action.EDIT, by)
        place = check_ready(voucher, connection, by=by)
        session = ShoppingSession.objects.create(
            connection=connection,
            voucher=voucher,
            employee=by,
            email=by.email,
            buyer_cookie=secrets.token_urlsafe(32),
            expires_at=timezone.now() + datetime.timedelta(hours=connection.session_hours),
        )
    document = setup_request(
        connection, by=by, place=place, buyer_cookie=session.buyer_cookie, return_url=return_url
    )
    try:
        start_url = ask_for_start_page(connection, document, voucher=voucher)
    except Blocked:
        ShoppingSession.objects.filter(pk=session.pk).update(state=ShoppingSession.State.FAILED)
        raise
    session.start_url = start_url
    session.state = ShoppingSession.State.SHOPPING
    session.save(update_fields=["start_url", "state"])
    return session


def setup_request(
    connection: CatalogConnection,
    *,
    by: Employee,
    place: DeliveryAddress,
    buyer_cookie: str,
    return_url: str,
) -> bytes:
    """The PunchOutSetupRequest of ``by``, without the shared secret."""
    family, _, given = by.name.partition(" ")
    return cxml.build_setup_request(
        cxml.SetupRequest(
            parties=documents.parties(connection),
            payload_id=new_payload_id(),
            timestamp=timezone.now(),
            deployment_mode=documents.deployment_mode(connection.mode),
            buyer_cookie=buyer_cookie,
            return_url=return_url,
            user_email=by.email,
            first_name=given or family,
            last_name=family,
            unique_name=by.code,
            business_unit=connection.business_unit,
            ship_to=documents.address(place, email=by.email),
        )
    )


def ask_for_start_page(
    connection: CatalogConnection, document: bytes, *, voucher: Voucher | None
) -> str:
    """The address of the supplier's start page; ``Blocked`` with the reason when there is none."""
    if not _setup_slots.acquire(timeout=SETUP_SECONDS):
        raise Blocked("カタログへの接続が混み合っています。", "少し待ってから押し直してください。")
    began = time.monotonic()
    answer = None
    reason, code = "", None
    try:
        answer = transport.exchange(
            "POST",
            connection.punchout_url,
            body=cxml.with_secret(document, connection.shared_secret),
            headers={"Content-Type": "text/xml; charset=UTF-8"},
            seconds=SETUP_SECONDS,
        )
        response = cxml.read_setup_response(answer.body)
        code = response.status.code
        if 200 <= code < 300 and response.start_url.startswith(("https://", "http://")):
            return response.start_url
        said = f"{response.status.code} {response.status.text} {response.status.message}".strip()
        # Shown to the person: suppliers quote what they were sent.
        reason = redaction.text(said, connection)
    except (transport.NotDelivered, transport.NoAnswer) as error:
        reason = str(error)
    except cxml.Unreadable as error:
        reason = f"応答を読めませんでした（HTTP {answer.status}）。{error.reason}" if answer else ""
    finally:
        _setup_slots.release()
        exchange_log.log(
            "PunchOutSetupRequest",
            direction=Exchange.Direction.OUT,
            connection=connection,
            voucher=voucher,
            request=document,
            response=answer.body if answer else b"",
            http_status=answer.status if answer else None,
            status_code=code,
            duration_ms=int((time.monotonic() - began) * 1000),
            accepted=not reason,
            reason=reason,
        )
    if code in (401, 403):
        raise Blocked(
            f"{connection.supplier_name}がログイン情報を受け付けませんでした。", ADMINISTRATOR
        )
    raise Blocked(
        f"{connection.supplier_name}に接続できませんでした。{reason}",
        "下書きは保存されています。しばらくしてからもう一度「カタログ連携」を押してください。",
    )


def receive(message: bytes) -> ShoppingSession:
    """Store the cart that a browser brought, found by its one-time buyer cookie.

    The identical message again changes nothing and gives the same session. Raises ``CartRefused``
    for anything else that cannot be taken; then nothing is stored but the exchange log.
    """
    connection = None
    try:
        with transaction.atomic():
            cart = _readable(message)
            session = _session_for(cart.buyer_cookie)
            connection = session.connection
            return _store(session, cart, message)
    except CartRefused as refused:
        if connection is None:
            note_stray(str(refused))
        else:
            _log_cart(connection, None, message, accepted=False, reason=str(refused))
        raise


def note_stray(reason: str) -> None:
    """Count a post that belongs to no shopping trip: anybody's, so its body is not kept."""
    StrayMessage.note("PunchOutOrderMessage", reason)


def _readable(message: bytes) -> cxml.Cart:
    try:
        return cxml.read_cart(message)
    except cxml.Unreadable as error:
        raise CartRefused(error.reason) from error


def _session_for(cookie: str) -> ShoppingSession:
    session = (
        ShoppingSession.objects.select_for_update(of=("self",), no_key=True)
        .select_related("connection", "voucher")
        .filter(buyer_cookie=cookie)
        .first()
    )
    if session is None:
        raise CartRefused("このカートに対応する買い物が見つかりません。")
    return session


def _store(session: ShoppingSession, cart: cxml.Cart, message: bytes) -> ShoppingSession:
    digest = hashlib.sha256(message).hexdigest()
    known = ReceivedCart.objects.filter(session=session).only("sha256").first()
    if known is not None:
        if known.sha256 == digest:
            return session
        raise CartRefused(
            "この買い物のカートはすでに受け取っています。別の内容では受け取れません。"
        )
    if session.state != ShoppingSession.State.SHOPPING:
        raise CartRefused("この買い物は終了しています。")
    if session.expires_at <= timezone.now():
        hours = session.connection.session_hours
        raise CartRefused(
            f"買い物を始めてから {hours} 時間を過ぎたため、カートを受け取れません。"
            "申請から「カタログ連携」をもう一度押してください。"
        )
    problem = ""
    try:
        check_cart(cart, session.connection)
    except cxml.Unreadable as error:
        raise CartRefused(error.reason) from error
    except CartUnusable as error:
        problem = str(error)
    ReceivedCart.objects.create(session=session, raw=message, sha256=digest, problem=problem)
    session.state = ShoppingSession.State.RETURNED if cart.items else ShoppingSession.State.ENDED
    session.save(update_fields=["state"])
    _log_cart(session.connection, session.voucher, message, accepted=not problem, reason=problem)
    return session


def _log_cart(
    connection: CatalogConnection,
    voucher: Voucher | None,
    message: bytes,
    *,
    accepted: bool,
    reason: str,
) -> None:
    exchange_log.log(
        "PunchOutOrderMessage",
        direction=Exchange.Direction.IN,
        connection=connection,
        voucher=voucher,
        request=message,
        accepted=accepted,
        reason=reason,
    )
