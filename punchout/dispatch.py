"""Sending orders: claim, post with no transaction open, settle what came of it.

The order row is the outbox. Messages, workers and Redis may be lost or doubled at any instant:
a claim is a conditional UPDATE, and a claim whose worker died turns into 要確認, never into a
silent second sending.
"""

import dataclasses
import datetime
import time
from dataclasses import dataclass

import structlog
from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import F
from django.utils import timezone

from expenses import events
from expenses.models import VoucherEvent
from masters.models import Employee
from punchout import alerts, cxml, exchange_log, redaction, transport
from punchout.models import SWEEP, CatalogConnection, Exchange, JobRun, OrderAttempt, PurchaseOrder
from punchout.models.order import CLAIM_EXPIRES_AFTER
from punchout.order_states import OrderState

logger = structlog.get_logger(__name__)

POST_SECONDS = settings.ORDER_POST_SECONDS

RETRY_MINUTES = tuple(settings.ORDER_RETRY_MINUTES)
"""Waiting times after tries that surely did not arrive; when they are used up it is 不達."""

SURELY_NOT_PROCESSED = frozenset({550, 551, 560})

_CONFLICT = 409
"""The supplier's state prevented it, perhaps because it has the order: only a person can tell."""

_WORKER_DIED = "送信中に処理が止まりました。届いたかどうか分かりません。"

_Outcome = OrderAttempt.Outcome


@dataclass(frozen=True)
class Result:
    """What came of one try."""

    outcome: OrderAttempt.Outcome
    text: str
    http_status: int | None = None
    status_code: int | None = None
    response: bytes = b""


def send(order_pk: int) -> bool:
    """Send the order if it is due and nobody else has it. Returns whether this call sent it."""
    attempt = _claim(order_pk)
    if attempt is None:
        return False
    order = attempt.order
    log = logger.bind(order_number=order.number, attempt=attempt.number)
    log.info("order_sending")
    began = time.monotonic()
    result = _without_secrets(_post(order), order.connection)
    duration = int((time.monotonic() - began) * 1000)
    _settle(attempt, result, duration)
    _log(order, result, duration)
    log.info("order_sent", outcome=str(result.outcome), status=result.status_code, ms=duration)
    return True


def _log(order: PurchaseOrder, result: Result, duration: int) -> None:
    """After settling, and never in its way: the outcome matters more than its record."""
    try:
        exchange_log.log(
            "OrderRequest",
            direction=Exchange.Direction.OUT,
            connection=order.connection,
            voucher=order.voucher,
            order_number=order.number,
            request=bytes(order.document),
            response=result.response,
            http_status=result.http_status,
            status_code=result.status_code,
            duration_ms=duration,
            accepted=result.outcome == _Outcome.ACCEPTED,
            reason=result.text,
        )
    except DatabaseError:
        logger.exception("exchange_not_logged", order_number=order.number)


def sweep(now: datetime.datetime | None = None) -> dict[str, int]:
    """Send what is due and hand abandoned claims to a person. Counts of both."""
    sent = sum(send(pk) for pk in PurchaseOrder.objects.due(now).values_list("pk", flat=True)[:500])
    abandoned = sum(
        _give_up(pk, now)
        for pk in PurchaseOrder.objects.abandoned(now).values_list("pk", flat=True)[:500]
    )
    _close_attempts(now or timezone.now())
    counts = {"sent": sent, "abandoned": abandoned}
    JobRun.record(SWEEP, counts)
    return counts


_OUTCOME_FIELDS = (
    "state",
    "due_at",
    "claimed_at",
    "ordered_at",
    "failure",
    "reason",
    "needs_person",
    "needs_person_since",
)
_READ_TO_SEND = (
    # Whole rows of connection and slip would be half of what sending costs.
    *_OUTCOME_FIELDS,
    *("number", "tries", "tries_before", "document", "mode", "voucher__number"),
    *(
        f"connection__{name}"
        for name in (
            "name",
            "supplier_name",
            "is_active",
            "mode",
            "from_identity",
            "shared_secret",
            "order_url",
            "order_basic_auth",
            "resend_unknown",
            "inbound_user",
            "inbound_password",
        )
    ),
)


@transaction.atomic
def _claim(order_pk: int) -> OrderAttempt | None:
    now = timezone.now()
    claimed = (
        PurchaseOrder.objects.due(now)
        .filter(pk=order_pk)
        .order_by()
        .update(state=OrderState.SENDING, claimed_at=now, tries=F("tries") + 1)
    )
    if not claimed:
        return None
    order = (
        PurchaseOrder.objects.select_related("connection", "voucher")
        .only(*_READ_TO_SEND)
        .get(pk=order_pk)
    )
    return OrderAttempt.objects.create(order=order, number=order.tries, started_at=now)


def _post(order: PurchaseOrder) -> Result:
    connection = order.connection
    obstacle = _obstacle(order)
    if obstacle:
        return Result(_Outcome.NOT_DELIVERED, obstacle)
    auth = None
    if connection.order_basic_auth:
        auth = (connection.from_identity, connection.shared_secret)
    try:
        answer = transport.exchange(
            "POST",
            connection.order_url,
            body=cxml.with_secret(bytes(order.document), connection.shared_secret),
            headers={"Content-Type": "text/xml; charset=UTF-8"},
            auth=auth,
            seconds=POST_SECONDS,
        )
    except transport.NotDelivered as error:
        return Result(_Outcome.NOT_DELIVERED, str(error))
    except transport.NoAnswer as error:
        return Result(_Outcome.UNKNOWN, str(error))
    try:
        status = cxml.read_response(answer.body)
    except cxml.Unreadable as error:
        text = f"cXML でない応答でした（HTTP {answer.status}）。{error.reason}"
        return Result(_Outcome.UNKNOWN, text, answer.status, None, answer.body)
    said = dict.fromkeys(part for part in (status.text, status.message) if part)
    text = " ".join([str(status.code), *said])
    return Result(judge(status.code), text, answer.status, status.code, answer.body)


def _without_secrets(result: Result, connection: CatalogConnection) -> Result:
    """Suppliers quote what they were sent."""
    return dataclasses.replace(result, text=redaction.text(result.text, connection))


def _obstacle(order: PurchaseOrder) -> str:
    """Why the order must not leave now; an administrator may have changed the connection since."""
    connection = order.connection
    if not connection.order_url or not connection.shared_secret:
        return "注文 URL またはパスワードが設定されていません。"
    if not connection.is_active:
        return "カタログ連携設定が無効になっています。"
    if connection.mode != order.mode:
        return f"承認後に接続が「{connection.get_mode_display()}」に変更されています。"
    return ""


def judge(code: int) -> OrderAttempt.Outcome:
    """What a cXML status means for an order (PROTOCOL §2). It counts, not the HTTP code."""
    if 200 <= code < 300:
        return _Outcome.ACCEPTED
    if code in SURELY_NOT_PROCESSED:
        return _Outcome.NOT_DELIVERED
    if 400 <= code < 500 and code != _CONFLICT:
        return _Outcome.REJECTED
    return _Outcome.UNKNOWN


@transaction.atomic
def _settle(attempt: OrderAttempt, result: Result, duration_ms: int) -> None:
    order = attempt.order
    now_is = (
        PurchaseOrder.objects.select_for_update(no_key=True)
        .values("state", "tries", "needs_person", "needs_person_since")
        .get(pk=order.pk)
    )
    attempt.outcome = result.outcome
    attempt.text = result.text[:500]
    attempt.http_status = result.http_status
    attempt.status_code = result.status_code
    attempt.duration_ms = duration_ms
    attempt.save(update_fields=["outcome", "text", "http_status", "status_code", "duration_ms"])
    if now_is["state"] != OrderState.SENDING or now_is["tries"] != attempt.number:
        # The supplier's own confirmation, or a person, was faster: that word stands.
        return
    # What may have been said of it while it was under way; nothing else has changed.
    order.needs_person = now_is["needs_person"]
    order.needs_person_since = now_is["needs_person_since"]
    order.reason = "" if _says_nothing(result) else result.text[:500]
    match result.outcome:
        case _Outcome.ACCEPTED:
            mark_ordered(order, "発注しました")
        case _Outcome.REJECTED:
            mark_failed(
                order, PurchaseOrder.Failure.REJECTED, f"注文が拒否されました: {order.reason}"
            )
        case _Outcome.NOT_DELIVERED if order.tries_this_time > len(RETRY_MINUTES):
            mark_failed(
                order,
                PurchaseOrder.Failure.UNDELIVERABLE,
                f"{order.tries_this_time} 回送信しましたが届きませんでした: {order.reason}",
            )
        case _Outcome.NOT_DELIVERED:
            _send_later(order, "注文が届かなかったため")
        case _:
            _not_known(order, order.reason)


def _says_nothing(result: Result) -> bool:
    """A plain 200 OK; a 200 that carries an error text has been seen, and that is kept."""
    words = set(result.text.upper().replace(".", "").split())
    return words <= {"200", "201", "OK", "ACCEPTED", "SUCCESS"}


@transaction.atomic
def _give_up(order_pk: int, now: datetime.datetime | None) -> bool:
    order = (
        PurchaseOrder.objects.abandoned(now)
        .select_for_update(of=("self",), skip_locked=True, no_key=True)
        .select_related("connection", "voucher")
        .filter(pk=order_pk)
        .first()
    )
    if order is None:
        return False
    order.attempts.filter(number=order.tries, outcome="").update(
        outcome=_Outcome.UNKNOWN, text=_WORKER_DIED
    )
    order.reason = _WORKER_DIED
    _not_known(order, _WORKER_DIED)
    return True


def _close_attempts(now: datetime.datetime) -> None:
    """Tries of dead workers whose order the supplier's own data settled meanwhile."""
    OrderAttempt.objects.filter(outcome="", started_at__lt=now - CLAIM_EXPIRES_AFTER).exclude(
        order__state=OrderState.SENDING
    ).update(outcome=_Outcome.UNKNOWN, text=_WORKER_DIED)


def _send_later(order: PurchaseOrder, why: str) -> None:
    wait = RETRY_MINUTES[order.tries_this_time - 1]
    order.state = OrderState.PENDING
    order.due_at = timezone.now() + datetime.timedelta(minutes=wait)
    order.claimed_at = None
    order.save(update_fields=_OUTCOME_FIELDS)
    label = f"{why}、{wait:g} 分後にもう一度送ります"
    _tell(order, label, order.reason, VoucherEvent.Tone.ATTENTION)


def _not_known(order: PurchaseOrder, text: str) -> None:
    # Only for a supplier that vouched for dropping a payloadID it has already taken.
    if order.connection.resend_unknown and order.tries_this_time <= len(RETRY_MINUTES):
        _send_later(order, "結果が不明のため、接続の設定により")
    else:
        mark_unknown(order, text)


def mark_ordered(
    order: PurchaseOrder, label: str, *, by: Employee | None = None, comment: str = ""
) -> None:
    """発注済, on the supplier's answer, its later data or a person's word. The row is locked."""
    order.state = OrderState.ORDERED
    order.ordered_at = timezone.now()
    order.failure = ""
    order.unflag()
    order.save(update_fields=_OUTCOME_FIELDS)
    supplier = order.connection.supplier_name
    label = f"{supplier}に{label}（発注番号 {order.number}）"
    _tell(order, label, comment, VoucherEvent.Tone.GOOD, by=by)


def mark_failed(order: PurchaseOrder, failure: PurchaseOrder.Failure, text: str) -> None:
    """発注エラー with its kind. The order's row must be locked."""
    order.state = OrderState.FAILED
    order.failure = failure
    order.reason = text[:500]
    order.flag(text)
    order.save(update_fields=_OUTCOME_FIELDS)
    _tell(order, "発注エラーになりました", text, VoucherEvent.Tone.WRONG)
    alerts.order_needs_person(order, "発注エラー", text)


def mark_unknown(order: PurchaseOrder, text: str) -> None:
    """要確認: it may or may not have arrived, so nothing is sent again by itself."""
    order.state = OrderState.UNKNOWN
    order.flag(text)
    order.save(update_fields=_OUTCOME_FIELDS)
    _tell(order, "発注の結果が分からないため、確認が必要です", text, VoucherEvent.Tone.ATTENTION)
    alerts.order_needs_person(order, "要確認", text)


def _tell(
    order: PurchaseOrder, label: str, comment: str, tone: str, *, by: Employee | None = None
) -> None:
    logger.info(f"order_{order.state}", order_number=order.number, reason=comment[:200])
    events.record(
        order.voucher,
        f"order_{order.state}",
        label[:120],
        by=by,
        comment=comment[:1000],
        tone=tone,
    )
