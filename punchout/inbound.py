"""What suppliers tell us by themselves: confirmations, ship notices and the like.

Idempotent by connection and payloadID. A message about an order we do not know is kept as an
orphan for a person and answered with 200: the sender could do nothing about it.
"""

import hashlib
from collections.abc import Iterable

import structlog
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from expenses import events
from expenses.models import VoucherEvent
from punchout import (
    alerts,
    cancellation,
    cxml,
    dispatch,
    error_codes,
    evidence,
    exchange_log,
    ledger,
)
from punchout.identifiers import new_payload_id, public_url
from punchout.models import CatalogConnection, Exchange, PurchaseOrder, SupplierDocument
from punchout.order_states import OrderState

logger = structlog.get_logger(__name__)

_Kind = SupplierDocument.Kind
_TRANSACTIONS = (
    "ProfileRequest",
    "ConfirmationRequest",
    "ShipNoticeRequest",
    "StatusUpdateRequest",
    "InvoiceDetailRequest",
)


def handle(connection: CatalogConnection, body: bytes) -> bytes:
    """Take one message of an authenticated supplier and give the cXML answer to it."""
    try:
        message = cxml.read_inbound(body)
    except cxml.Unreadable as error:
        answer = respond(error.status, "Rejected", error.reason)
        _log("cXML", connection, body, answer, error.status, error.reason)
        return answer
    name = f"{type(message).__name__}Request"
    if isinstance(message, cxml.Profile):
        url = public_url(reverse("punchout:inbound", args=[connection.inbound_token]))
        answer = cxml.build_profile_response(
            payload_id=new_payload_id(),
            timestamp=timezone.now(),
            transactions=dict.fromkeys(_TRANSACTIONS, url),
        )
        _log(name, connection, body, b"", 200, "")
        return answer
    known = [_take(connection, message, number, body) for number in _order_numbers(message)]
    reason = "" if all(known) else "該当する発注がないため、保留しました。"
    answer = respond(200, "OK")
    _log(name, connection, body, answer, 200, reason, ", ".join(_order_numbers(message)))
    return answer


def respond(code: int, text: str, message: str = "") -> bytes:
    """A cXML Response with that Status."""
    return cxml.build_response(
        code=code,
        text=text,
        message=message,
        payload_id=new_payload_id(),
        timestamp=timezone.now(),
    )


def _order_numbers(message: cxml.Inbound) -> list[str]:
    """The orders a message speaks of, each once; '' when it names none."""
    match message:
        case cxml.Confirmation() | cxml.StatusUpdate():
            numbers: Iterable[str] = [message.order_id]
        case cxml.ShipNotice():
            numbers = [portion.order_id for portion in message.portions]
        case cxml.Invoice():
            numbers = [line.order_id for line in message.lines]
        case _:
            numbers = []
    return list(dict.fromkeys(numbers)) or [""]


@transaction.atomic
def _take(connection: CatalogConnection, message: cxml.Inbound, number: str, body: bytes) -> bool:
    """Store the document for one order and count it; False when the order is not ours."""
    order = (
        PurchaseOrder.objects.select_for_update(of=("self",), no_key=True)
        .select_related("connection", "voucher")
        .filter(_reference(message, number), connection=connection)
        .first()
    )
    kind, key, operation, stated = _identity(message)
    dated = stated if ledger.plausible(stated) else None
    _document, new = SupplierDocument.objects.get_or_create(
        connection=connection,
        payload_id=_fitting(message.payload_id),
        order_number=number[:120],
        defaults={
            "order": order,
            "kind": kind,
            "key": (key or message.payload_id)[:200],
            "operation": operation[:20],
            "dated": dated,
            "raw": body,
            "sha256": hashlib.sha256(body).hexdigest(),
        },
    )
    if order is None:
        logger.warning("inbound_orphan", order_number=number[:120], what=kind)
        return False
    if not new:
        return True
    before = evidence.flags(order)
    ledger.rebuild(order)
    _conclude(order, message)
    cancellation.review(order)
    if order.state != OrderState.FAILED:
        _flag(order, [flag for flag in evidence.flags(order) if flag not in before])
    return True


def _flag(order: PurchaseOrder, news: list[str]) -> None:
    """Tell people what became impossible or different by this document."""
    if news:
        text = "\n".join(news)
        order.flag(*news)
        order.save()
        events.record(
            order.voucher,
            "order_differs",
            "承認した内容と違いがあります",
            by=None,
            comment=text[:1000],
            tone=VoucherEvent.Tone.ATTENTION,
        )
        alerts.differs(order, text)


def _fitting(payload_id: str) -> str:
    """The payloadID as stored: a longer one than the column keeps its difference as a hash."""
    if len(payload_id) <= 255:
        return payload_id
    return f"{payload_id[:190]}#{hashlib.sha256(payload_id.encode()).hexdigest()}"


def _reference(message: cxml.Inbound, number: str) -> Q:
    match message:
        case cxml.Confirmation() if not number:
            return Q(payload_id=message.order_payload_id)
        case cxml.StatusUpdate() if not number:
            return Q(payload_id=message.document_payload_id)
        case _:
            return Q(number=number)


def _identity(message: cxml.Inbound):
    match message:
        case cxml.Confirmation():
            dated = message.notice_date or message.timestamp
            return _Kind.CONFIRMATION, message.confirm_id, message.operation, dated
        case cxml.ShipNotice():
            dated = message.notice_date or message.timestamp
            return _Kind.SHIP_NOTICE, message.shipment_id, message.operation, dated
        case cxml.Invoice():
            dated = message.invoice_date or message.timestamp
            return _Kind.INVOICE, message.invoice_id, message.operation, dated
        case _:
            return _Kind.STATUS, message.payload_id, "new", message.timestamp


def _conclude(order: PurchaseOrder, message: cxml.Inbound) -> None:
    """What the message means for the order itself, and the event people read."""
    match message:
        case cxml.Confirmation():
            _confirmed(order, message)
        case cxml.ShipNotice():
            by = " ".join([*message.carriers, *message.trackings])
            label = "返品の通知を受け取りました" if message.is_return else "出荷されました"
            evidence.is_there(order, f"出荷通知 {message.shipment_id}")
            _tell(order, "ship_notice", f"{label}（{by or message.shipment_id}）")
        case cxml.Invoice():
            evidence.is_there(order, f"請求書 {message.invoice_id}")
            _tell(order, "invoice", f"請求書 {message.invoice_id} を受け取りました")
        case cxml.StatusUpdate():
            text = f"{message.status.code} {message.status.text} {message.status.message}".strip()
            _status_stated(order, message.status.code, text)
            _tell(order, "status_update", "相手先から状態の通知を受け取りました", text)


def _confirmed(order: PurchaseOrder, message: cxml.Confirmation) -> None:
    rejected = all(line.cancelled >= line.quantity for line in order.lines.all())
    if rejected:
        said = _why(message)
        if order.state in (*evidence.UNDECIDED, OrderState.ORDERED):
            dispatch.mark_failed(
                order, PurchaseOrder.Failure.REJECTED, f"注文が拒否されました: {said}"
            )
        return
    evidence.is_there(order, f"注文確認 {message.confirm_id}")
    total = f"（合計 ¥{int(message.total.amount):,}）" if message.total else ""
    tone = VoucherEvent.Tone.GOOD
    wrong = any(line.contradiction for line in order.lines.all())
    if wrong:
        tone = VoucherEvent.Tone.ATTENTION
    _tell(order, "confirmation", f"注文確認 {message.confirm_id} を受け取りました{total}", "", tone)


def _why(message: cxml.Confirmation) -> str:
    """The supplier's reasons, of the whole and of its lines, with its error codes in words."""
    statuses = [status for item in message.items for status in item.statuses]
    comments = [*message.comments, *(one for status in statuses for one in status.comments)]
    codes = [*message.error_codes, *(code for status in statuses for code in status.error_codes)]
    said = dict.fromkeys(text for _kind, text in comments if text not in codes)
    words = error_codes.in_words(codes)
    return " ".join([*said, words] if words else said) or "理由の記載なし"


def _status_stated(order: PurchaseOrder, code: int, text: str) -> None:
    if 200 <= code < 300:
        evidence.is_there(order, "状態の通知")
    elif code >= 400:
        order.flag(f"相手先からの状態の通知: {text}")
        order.save()
        alerts.order_needs_person(order, "要確認", text)


def _tell(
    order: PurchaseOrder,
    action: str,
    label: str,
    comment: str = "",
    tone: str = VoucherEvent.Tone.PLAIN,
) -> None:
    logger.info("inbound_taken", order_number=order.number, what=action)
    events.record(order.voucher, action, label[:120], by=None, comment=comment[:1000], tone=tone)


def _log(
    name: str,
    connection: CatalogConnection,
    body: bytes,
    answer: bytes,
    code: int,
    reason: str,
    order_number: str = "",
) -> None:
    exchange_log.log(
        name,
        direction=Exchange.Direction.IN,
        connection=connection,
        order_number=order_number[:40],
        request=body,
        response=answer,
        status_code=code,
        accepted=code == 200,
        reason=reason,
    )
